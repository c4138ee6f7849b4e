// `qos ctl`: asks a running sidecar over its control socket.

import { accessSync, constants, statSync } from "node:fs";
import { findUser } from "../../../ffi/users.ts";
import { strangersFile, type Trust, trustOf } from "../../channel/owners.ts";
import { Failure, messageOf } from "../../failure.ts";
import { recentOf } from "../../observe/sender-fates.ts";
import { modelNamed } from "../../rank/models.ts";
import { CHANNEL_FLAGS } from "../../settings/channel-flags.ts";
import { EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { count, onOff } from "../../settings/flags.ts";
import { nearest } from "../../settings/nearest.ts";
import { RUN_FLAGS } from "../../settings/run-flags.ts";
import type { ControlRequest } from "../../sidecar/endpoints/control.ts";
import { controlPath } from "../../sidecar/endpoints/control-server.ts";
import { command } from "../command.ts";
import { type Output, toJson } from "../output.ts";
import { table } from "../table.ts";

const WORDS = ["stats", "set", "pause", "resume", "reload", "checkpoint", "top", "explain"] as const;
const ANSWER_MAX_MS = 10_000;
/** A thousand senders at both ends of both tables are a tenth of it. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024;

type Answer = Readonly<Record<string, unknown>>;

/** @throws UsageError for words that make no request */
export function requestOf(words: readonly string[], top: number): ControlRequest {
  const [word, ...rest] = words;
  const most = word === "set" ? 2 : word === "explain" ? 1 : 0;
  if (rest.length > most) throw new UsageError(`unexpected "${rest[most]}"`);
  switch (word) {
    case "stats":
    case "pause":
    case "resume":
    case "reload":
    case "checkpoint":
      return { command: word };
    case "top":
      return { command: "top", count: top };
    case "explain":
      if (rest[0] === undefined)
        throw new UsageError(
          "IP|KEY is missing: the sender to explain (a fee payer's key, or a staked peer's identity)",
        );
      return { command: "explain", sender: rest[0] };
    case "set": {
      const [name, value] = rest;
      if (name !== "target-pps") {
        throw new UsageError(
          name === undefined ? "set what? target-pps N" : `"${name}" cannot be set; expected target-pps`,
        );
      }
      const targetPps = value === undefined ? undefined : RUN_FLAGS.targetPps.parse(value);
      if (targetPps === undefined) {
        throw new UsageError(`target-pps: expected ${RUN_FLAGS.targetPps.allowed}`);
      }
      return { command: "set", name, value: targetPps };
    }
    default: {
      const meant = nearest(word, WORDS);
      throw new UsageError(
        `unknown word "${word}"${meant === undefined ? "" : ` (did you mean ${meant}?)`}; expected ${WORDS.join(", ")}`,
      );
    }
  }
}

/**
 * Sends a request and waits for the answer.
 * @param trust whose sockets are believed: others could answer anything
 * @throws Failure if there is no answer, or it is a refusal
 */
export async function ask(path: string, request: ControlRequest, trust: Trust = trustOf()): Promise<Answer> {
  const stranger = strangersFile(path, trust);
  if (stranger !== undefined) throw new Failure(stranger);
  try {
    const response = await fetch("http://qos/", {
      unix: path,
      method: "POST",
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(ANSWER_MAX_MS),
    });
    const answer = JSON.parse(await textOf(response)) as Answer;
    if (answer.ok !== true) throw new Failure(`refused: ${String(answer.error)}`);
    return answer;
  } catch (error) {
    throw failureOf(path, error);
  }
}

async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > ANSWER_MAX_BYTES) throw new Failure("the answer is too long");
  }
  return text;
}

/** What an operator can do about a question without an answer. */
function failureOf(path: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const { code, name } = error as { code?: string; name?: string };
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined) return new Failure(`no sidecar listens at ${path}`);
  if (!there.isSocket())
    return new Failure(`${path} is not a socket; --control names the one that the sidecar listens at`);
  if (name === "TimeoutError") {
    return new Failure(`no answer within ${ANSWER_MAX_MS / 1_000} s: the sidecar stands still, or is stopped`);
  }
  try {
    accessSync(path, constants.W_OK);
  } catch {
    return new Failure(`${path} is another user's; run this as the sidecar's user or as root`);
  }
  if (error instanceof SyntaxError) return new Failure(`what listens at ${path} is not a sidecar of this version`);
  return new Failure(code === undefined ? messageOf(error) : `no sidecar listens at ${path}`);
}

interface Standing {
  readonly known: number;
  readonly top: readonly { sender: string; score: number }[];
  readonly bottom: readonly { sender: string; score: number }[];
}

const short = (value: unknown): string => (typeof value === "number" ? `${Number(value.toPrecision(6))}` : "none");

function printTop(answer: Answer, out: Output): void {
  for (const [name, key] of [
    ["addresses", "ips"],
    ["fee payers", "payers"],
    ["identities of staked peers", "identities"],
  ] as const) {
    if (answer[key] === undefined) continue;
    const { known, top, bottom } = answer[key] as Standing;
    out.line(`${known} ${name} are known`);
    if (known === 0) continue;
    const rows = top.map((best, i) => [
      i + 1,
      best.sender,
      short(best.score),
      bottom[i]?.sender ?? "",
      short(bottom[i]?.score),
    ]);
    for (const line of table(["place", "best", "score", "worst", "score"], rows)) out.line(`  ${line}`);
  }
}

function printExplanation(sender: string, answer: Answer, prefix: string, trust: Trust, out: Output): void {
  const what = answer.kind === "ip" ? "address" : answer.kind === "identity" ? "identity" : "fee payer";
  if (answer.known === true) {
    const all = answer.kind === "ip" ? "addresses" : answer.kind === "identity" ? "identities" : "fee payers";
    out.line(`${sender}: score ${short(answer.score)}, place ${answer.place} of ${answer.of} ${all}`);
  } else {
    const so =
      answer.score === null ? "is judged as newcomers are" : `scores as the median does: ${short(answer.score)}`;
    out.line(`${sender}: this ${what} is not known yet, and ${so}`);
  }
  out.line(
    `  worst ${short(answer.worst)}, median ${short(answer.median)}, best ${short(answer.best)} of ${answer.of} known`,
  );
  const evidence = answer.evidence as Readonly<Record<string, number>> | null;
  if (modelNamed(answer.model)?.explains) {
    out.line(
      answer.kind === "payer"
        ? "  a fee payer scores how likely its next transaction lands"
        : `  an ${what} scores how likely its next signature is a good one`,
    );
    if (evidence !== null) {
      const { good, bad, landed, missed, inFlight, pGood, pLands } = evidence;
      out.line(`  signatures, the older the less: ${short(good)} good, ${short(bad)} bad; likely good ${short(pGood)}`);
      out.line(
        `  transactions, the older the less: ${short(landed)} landed, ${short(missed)} missed, ${short(inFlight)} under way; ` +
          `likely to land ${short(pLands)}`,
      );
    }
  } else {
    out.line(
      "  a score is the mean of what this sender's transactions paid for the time they took, the older the less;",
    );
    out.line("  failed signatures and packets that are not transactions divide an address's by a hundred");
  }
  if (answer.kind === "identity") return;
  const recent = recentOf(prefix, answer.kind === "ip" ? "ip" : "payer", sender, trust);
  if (recent === undefined) return;
  out.line(`  of the last ${recent.looked} ends of packets, ${recent.total} are this sender's:`);
  for (const [end, packets] of recent.ends) out.line(`    ${String(packets).padStart(8)}  ${end}`);
}

export default command({
  name: "ctl",
  summary: "asks a running sidecar, or tells it",
  about:
    "Speaks to the sidecar that runs under the prefix, over a socket that its owner alone may use. `stats` prints the " +
    "statistics; `set target-pps N`, `pause` and `resume` change what is sent on; `reload` reads stakes and lists again " +
    "(they are looked at each second anyway); `checkpoint` writes the scores now; `top` lists the best and worst senders; " +
    "`explain IP|KEY` says where a sender stands and what became of its packets lately.",
  flags: {
    prefix: CHANNEL_FLAGS.prefix,
    config: CHANNEL_FLAGS.config,
    control: RUN_FLAGS.control,
    user: RUN_FLAGS.user,
    count: count({ help: "senders in each list of top", min: 1, max: 1_000, fallback: 10 }),
    json: onOff({ help: "print the answer as JSON" }),
  },
  positionals: [
    { name: WORDS.join("|"), help: "what to ask or to tell", required: true },
    { name: "WHAT", help: "target-pps, or the sender to explain", required: false },
    { name: "VALUE", help: "the value to set", required: false },
  ],
  examples: [
    { line: "qos ctl stats", says: "the numbers of the running sidecar, as JSON" },
    { line: "qos ctl set target-pps 20000", says: "send on at most 20,000 packets/s from now on" },
    { line: "qos ctl explain 203.0.113.7", says: "why this sender's score is what it is" },
  ],
  run: async ({ values, positionals, out }) => {
    const request = requestOf(positionals, values.count);
    const path = values.control ?? controlPath(values.prefix);
    const trust = trustOf(findUser(values.user ?? ""));
    const answer = await ask(path, request, trust);
    const { ok: _, ...rest } = answer;
    if (values.json || request.command === "stats") {
      out.line(toJson(request.command === "stats" ? answer.statistics : rest, 2));
      return EXIT_FINE;
    }
    switch (request.command) {
      case "pause":
      case "resume":
        out.line(answer.paused === true ? "paused: packets are taken and queued, none is sent on" : "running");
        break;
      case "set":
        out.line(
          `target-pps is ${answer.targetPps} (was ${answer.before}) until the sidecar ends; target-pps in qos.toml, or ` +
            "--target-pps, keeps it",
        );
        break;
      case "reload": {
        const files = answer.reloaded as readonly string[];
        out.line(files.length === 0 ? "no stakes and no lists are configured" : `looked at ${files.join(", ")}`);
        break;
      }
      case "checkpoint":
        out.line("the scores are written");
        break;
      case "top":
        printTop(answer, out);
        break;
      case "explain":
        printExplanation(request.sender, answer, values.prefix, trust, out);
        break;
    }
    return EXIT_FINE;
  },
});
