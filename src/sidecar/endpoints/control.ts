// What can be asked of a running sidecar, and what it answers. One JSON object in, one out; the socket's file decides
// which users may connect (control-server.ts). A request is hostile bytes: checked here, refused with a sentence.

import { base58 } from "@scure/base";
import * as v from "valibot";
import { standingsOf } from "../../observe/standings.ts";
import { modelRow } from "../../rank/models.ts";
import type { ScoreRows } from "../../rank/score-rows.ts";
import { RUN_FLAGS } from "../../settings/run-flags.ts";
import { parseAddress } from "../../wire/address.ts";
import type { Runtime } from "../runtime.ts";

const PAYER_BYTES = 32;
const IP_KEY_BYTES = 8;
const SENDER_CHARACTERS_MAX = 64;
const TOP_MAX = 1_000;

const { targetPps } = RUN_FLAGS;

const REQUEST = v.variant("command", [
  v.strictObject({ command: v.picklist(["stats", "pause", "resume", "reload", "checkpoint"]) }),
  v.strictObject({
    command: v.literal("set"),
    name: v.literal("target-pps"),
    value: v.pipe(
      v.number(),
      v.check((value) => targetPps.parse(`${value}`) !== undefined, `expected ${targetPps.allowed}`),
    ),
  }),
  v.strictObject({
    command: v.literal("top"),
    count: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(TOP_MAX)),
  }),
  v.strictObject({
    command: v.literal("explain"),
    sender: v.pipe(v.string(), v.minLength(1), v.maxLength(SENDER_CHARACTERS_MAX)),
  }),
]);

export type ControlRequest = v.InferOutput<typeof REQUEST>;
export type ControlAnswer =
  | { readonly ok: true; readonly [name: string]: unknown }
  | { readonly ok: false; readonly error: string };

/** What the supervisor does when it is asked to. */
export interface Commands {
  /** null before the loop's first turn. */
  readonly statistics: () => Record<string, unknown> | null;
  /** Reads stakes and lists again. @returns what was looked at */
  readonly reload: () => Promise<readonly string[]>;
  /** Writes the scores; undefined if no `--state` is given. @returns false if it could not be written */
  readonly checkpoint: (() => Promise<boolean>) | undefined;
}

export interface ControlParts {
  readonly runtime: Pick<Runtime, "settings" | "mailbox" | "readers" | "log">;
  readonly commands: Commands;
}

const refused = (error: string): ControlAnswer => ({ ok: false, error });

/** @returns the request, or what is wrong with it */
export function readRequest(line: string): ControlRequest | string {
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch {
    return "that is not a JSON object";
  }
  const checked = v.safeParse(REQUEST, content);
  if (checked.success) return checked.output;
  const [{ message, path }] = checked.issues;
  const where = path?.map(({ key }) => String(key)).join(".");
  return `${where === undefined ? "" : `${where}: `}${message}`.slice(0, 300);
}

/** Does what a line asks for. Never throws for what stands in it. */
export async function answer(line: string, parts: ControlParts): Promise<ControlAnswer> {
  const request = readRequest(line);
  if (typeof request === "string") return refused(request);
  const { runtime, commands } = parts;
  const { mailbox, log } = runtime;
  switch (request.command) {
    case "stats": {
      const statistics = commands.statistics();
      return statistics === null ? refused("the loop has not begun") : { ok: true, statistics };
    }
    case "pause":
    case "resume": {
      const paused = request.command === "pause";
      const before = mailbox.paused;
      mailbox.setPaused(paused);
      if (before !== paused) log.info(paused ? "paused by qos ctl: nothing is sent on" : "resumed by qos ctl");
      return { ok: true, paused, before };
    }
    case "set": {
      const before = mailbox.targetPps;
      mailbox.setTargetPps(request.value);
      log.info(`target-pps set from ${before} to ${request.value} by qos ctl`);
      return { ok: true, targetPps: request.value, before };
    }
    case "reload":
      return { ok: true, reloaded: await commands.reload() };
    case "checkpoint": {
      if (commands.checkpoint === undefined) return refused("no --state is given: there is no checkpoint to write");
      return (await commands.checkpoint()) ? { ok: true } : refused("it could not be written; the log says why");
    }
    case "top":
      return { ok: true, ...standingsOf(runtime.readers, request.count) };
    case "explain":
      return explain(runtime, request.sender);
  }
}

/** The sender that a text names. @returns undefined for what is neither address nor payer */
export function senderOf(text: string): { kind: "ip" | "payer"; key: Uint8Array; isIpv6: boolean } | undefined {
  const octets = parseAddress(text.replace(/\/64$/, ""));
  if (octets !== undefined) {
    const key = new Uint8Array(IP_KEY_BYTES);
    key.set(octets);
    return { kind: "ip", key, isIpv6: octets.length === IP_KEY_BYTES };
  }
  try {
    const key = base58.decode(text);
    return key.length === PAYER_BYTES ? { kind: "payer", key, isIpv6: false } : undefined;
  } catch {
    return undefined;
  }
}

type NamedSender = NonNullable<ReturnType<typeof senderOf>>;

function isRowOf(reader: ScoreRows, row: number, sender: NamedSender): boolean {
  if (reader.isIpv6(row) !== sender.isIpv6) return false;
  const key = reader.key(row);
  return key.length === sender.key.length && key.every((byte, i) => byte === sender.key[i]);
}

function holds(reader: ScoreRows, sender: NamedSender): boolean {
  for (let row = 0; row < reader.size; row++) if (isRowOf(reader, row, sender)) return true;
  return false;
}

/** Where a sender stands among all: its score, its place, and what the others have. */
function explain({ readers, settings: { model } }: ControlParts["runtime"], text: string): ControlAnswer {
  const sender = senderOf(text);
  if (sender === undefined)
    return refused(`"${text}" is neither an IP address nor a key in base58 (of a fee payer or a staked peer)`);
  // A key may be a payer's or a staked peer's identity: what is known of either is shown, of the payer first.
  const first = sender.kind === "ip" ? readers.ips : readers.payers;
  if (!first.read()) return refused("the scores are moving all the time; try again");
  const { identities } = readers;
  const isIdentity =
    sender.kind === "payer" && !holds(first, sender) && identities?.read() === true && holds(identities, sender);
  const reader = isIdentity && identities !== undefined ? identities : first;
  let found = -1;
  const scores = new Float64Array(reader.size);
  for (let row = 0; row < reader.size; row++) {
    scores[row] = reader.score(row);
    if (found < 0 && isRowOf(reader, row, sender)) found = row;
  }
  const score = found < 0 ? undefined : scores[found];
  scores.sort();
  const at = (share: number): number | null =>
    scores.length === 0 ? null : scores[Math.min(scores.length - 1, Math.floor(share * scores.length))];
  const below = score === undefined ? 0 : scores.filter((one) => one < score).length;
  return {
    ok: true,
    kind: isIdentity ? "identity" : sender.kind,
    model,
    known: found >= 0,
    score: score ?? (modelRow(model).unknown === "median" ? at(0.5) : null),
    place: score === undefined ? null : scores.filter((one) => one > score).length + 1,
    of: scores.length,
    betterThan: scores.length === 0 ? null : below / scores.length,
    worst: at(0),
    median: at(0.5),
    best: at(1),
    evidence: found < 0 ? null : (reader.evidence(found) ?? null),
  };
}
