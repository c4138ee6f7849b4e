// `qos explain SIGNATURE|HASH`: one transaction's fate, from the database, from the running sidecar's memory, or from both.

import { hostname } from "node:os";
import { base58 } from "@scure/base";
import { findUser } from "../../../ffi/users.ts";
import { type Trust, trustOf } from "../../channel/owners.ts";
import { openReader } from "../../database/reader.ts";
import { Failure } from "../../failure.ts";
import { readFates } from "../../observe/fates-file.ts";
import { type Event, merged, recentEvents, savedEvents, type Wanted } from "../../report/fates.ts";
import { CHANNEL_FLAGS } from "../../settings/channel-flags.ts";
import { DATABASE_FLAGS, locationOf } from "../../settings/database-flags.ts";
import { EXIT_FAILED, EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { onOff } from "../../settings/flags.ts";
import { RUN_FLAGS } from "../../settings/run-flags.ts";
import { endNamed } from "../../shape/ends.ts";
import { SIGNATURE_BYTES } from "../../shape/packet-layout.ts";

import { command } from "../command.ts";

/**
 * @returns what to look for: 16 hex digits are a packet hash, 64 bytes of base58 or base64 a signature, by its key (wire.md, 9)
 * @throws UsageError for anything else
 */
export function wantedOf(word: string): Wanted {
  if (/^[0-9a-fA-F]{16}$/.test(word)) return { packetHash: word.toLowerCase() };
  const bytes = signatureBytes(word);
  if (bytes?.length !== SIGNATURE_BYTES) {
    throw new UsageError(`"${word.slice(0, 120)}" is neither a signature (base58) nor a packet hash (16 hex digits)`);
  }
  let hex = "";
  for (let group = 7; group >= 0; group--) {
    const folded = bytes.subarray(8 * group, 8 * group + 8).reduce((sum, byte) => sum ^ byte, 0);
    hex += folded.toString(16).padStart(2, "0");
  }
  return { signatureKey: hex };
}

function signatureBytes(word: string): Uint8Array | undefined {
  if (word.length > 100) return undefined;
  try {
    return base58.decode(word);
  } catch {
    const bytes = Buffer.from(word, "base64");
    return bytes.toString("base64") === word ? bytes : undefined;
  }
}

/**
 * What a running sidecar remembers.
 * @returns undefined if none keeps fates under the prefix
 * @throws Failure if they cannot be read
 */
function lookAtRing(prefix: string, trust: Trust, wanted: Wanted): Event[] | undefined {
  const fates = readFates(prefix, trust);
  if (typeof fates === "string") throw new Failure(fates);
  return fates === undefined ? undefined : recentEvents(fates, wanted, hostname());
}

export default command({
  name: "explain",
  summary: "what became of one transaction",
  about:
    "Says what became of a transaction: where and when it arrived, its score and what that was made of, what it had to " +
    "beat, and every end its packets came to. Looks into the database, where one is given, and into the memory of the " +
    "sidecar that runs under the prefix. The database holds a sample of the fates (--db-sample-fates of qos run).",
  flags: {
    prefix: CHANNEL_FLAGS.prefix,
    user: RUN_FLAGS.user,
    ...DATABASE_FLAGS,
    json: onOff({ help: "one JSON line for each event", group: "Output" }),
  },
  positionals: [
    { name: "SIGNATURE|HASH", help: "a first signature in base58, or a packet hash of 16 hex digits", required: true },
  ],
  examples: [
    { line: "qos explain 50aaf8cd274b845d", says: "a packet by its hash, from the running sidecar's memory" },
    { line: "qos explain --db sqlite:qos.db 50aaf8cd274b845d --json", says: "from a database too, for a program" },
  ],
  run: async ({ values, positionals, out }) => {
    const wanted = wantedOf(positionals[0] ?? "");
    const location = locationOf({ ...values, dbUrl: process.env.QOS_DB_URL });
    const recent = lookAtRing(values.prefix, trustOf(findUser(values.user ?? "")), wanted);
    if (location === undefined && recent === undefined) {
      throw new Failure("no sidecar that keeps fates runs under this prefix, and no --db is given: nowhere to look");
    }
    const events = [...(recent ?? [])];
    if (location !== undefined) {
      const reader = await openReader(location);
      try {
        events.push(...(await savedEvents(reader, wanted)));
      } finally {
        await reader.close();
      }
    }
    const found = merged(events);
    if (found.length === 0) {
      out.note(
        "nothing is known of it: it never came, it was not in the sample that was saved, or it is too long ago for the memory",
      );
      return EXIT_FAILED;
    }
    for (const event of found) {
      if (values.json) out.json({ source: event.source, ...event.row });
      else out.line(textOf(event));
    }
    return EXIT_FINE;
  },
});

const timeText = (us: number): string => new Date(us / 1_000).toISOString();
const short = (value: number | null | undefined): string =>
  value === null || value === undefined ? "?" : `${Number(value.toPrecision(6))}`;

/** An event as a few lines for people. */
export function textOf({ source, row }: Event): string {
  const help = endNamed(row.ending)?.help ?? row.ending;
  const known = [
    row.packetHash && `packet ${row.packetHash}`,
    row.ip && `from ${row.ip}`,
    row.payer && `paid by ${row.payer}`,
  ];
  const lines = [
    `${timeText(row.endedUs)}  ${row.ending}: it ${help}${row.reason ? ` (${row.reason})` : ""}`,
    `    ${[...known.filter(Boolean), `host ${row.host}`, source].join(", ")}`,
    `    arrived ${timeText(row.arrivalUs)}${row.channel ? ` on ${row.channel}` : ""}${transmitText(row)}`,
  ];
  if (row.feeLamports !== null && row.feeLamports !== undefined) {
    lines.push(`    fee ${row.feeLamports} lamports for ${row.computeUnits} CU`);
  }
  if (row.ipScore !== null && row.ipScore !== undefined) {
    const door = row.door === null ? "the queue had room" : `the queue's lowest was ${short(row.door)}`;
    lines.push(
      `    packet score ${short(row.score)} from: address ${short(row.ipScore)}, payer ${short(row.payerScore)}, ` +
        `fee/CU ${short((row.feeLamports ?? 0) / Math.max(1, row.computeUnits ?? 1))}; ${door}`,
    );
  } else if (row.score !== null && row.score !== undefined) lines.push(`    packet score ${short(row.score)}`);
  if (row.executionNs) lines.push(`    executed in ${row.executionNs / 1_000} µs`);
  return lines.join("\n");
}

function transmitText(row: Event["row"]): string {
  if (row.transmitUs === null || row.transmitUs === undefined) return "";
  return `, sent on after ${Math.round((row.transmitUs - row.arrivalUs) / 1_000)} ms`;
}
