// `qos decode`: transactions on standard input, one a line; one answer a line, whatever the line holds.

import { type Transaction, TransactionDecoder } from "../../kernel/decoder.ts";
import { EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { choice, onOff, text, u64 } from "../../settings/flags.ts";
import { FEE_MODELS } from "../../settings/run-flags.ts";
import { PACKET_LAYOUT_NAMES, PAYLOAD_MAX_BYTES, ROOMIEST_PACKET_LAYOUT } from "../../shape/packet-layouts.ts";
import { MALFORMED_BASE64, MALFORMED_LINE, MALFORMED_OVERSIZED, REASON_GOOD } from "../../shape/reason-codes.ts";
import { addressOctets } from "../../wire/address.ts";
import { reasonOf, verdictOf } from "../../wire/reasons.ts";
import { command } from "../command.ts";
import { readLines } from "../lines.ts";
import type { Output } from "../output.ts";

/** An answer; the fields behind `reasonName` are there where the verdict is `ok`. */
export interface Answer {
  readonly verdict: "ok" | "malformed" | "unsanitary";
  /** Code of shape/reason-codes.ts; 0 if nothing is wrong. */
  readonly reason: number;
  readonly reasonName: string;
  readonly version?: "legacy" | 0 | 1;
  readonly feePayer?: string;
  readonly signatures?: number;
  readonly computeUnitLimit?: number;
  readonly computeUnitPrice?: string;
  readonly fee?: string;
  /** The first one, in base58. */
  readonly signature?: string;
  readonly signatureKey?: string;
  readonly packetHash?: string;
}

/** Base64 of the longest payload of all layouts; the decoder holds its own layout's. */
const BASE64_MAX_CHARACTERS = Math.ceil(PAYLOAD_MAX_BYTES / 3) * 4;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
/** JSON lines may carry other fields; a line beyond this is answered without being kept. */
const LINE_MAX_BYTES = 1 << 20;
const ADDRESS_CHARACTERS = /^[0-9A-Fa-f:.]{2,45}$/;
const ADDRESS_ALLOWED = "an IPv4 or IPv6 address";

/**
 * Reads one line.
 * @param line base64, or a JSON object with the base64 as `tx`; blanks around it do not matter
 * @param octets the sender's address; with it the answer has the packet hash
 */
export function decodeLine(decoder: TransactionDecoder, line: string, octets?: Uint8Array): Answer {
  const bytes = bytesOf(line.trim());
  if (typeof bytes === "number") return refused(bytes);
  return answerOf(decoder.decode(bytes, octets), octets !== undefined);
}

/** What the decoder found, as an answer. @param hashed whether the sender and the seed were known */
export function answerOf(found: Transaction | number, hashed: boolean): Answer {
  if (typeof found === "number") return refused(found);
  return {
    verdict: "ok",
    reason: found.never,
    reasonName: reasonOf(found.never).name,
    version: found.version,
    feePayer: found.feePayer,
    signatures: found.signatures,
    computeUnitLimit: found.computeUnitLimit,
    computeUnitPrice: found.computeUnitPrice.toString(),
    fee: found.fee.toString(),
    signature: found.signature,
    signatureKey: found.signatureKey,
    ...(hashed ? { packetHash: found.packetHash } : {}),
  };
}

function refused(reason: number): Answer {
  const verdict = verdictOf(reason) === "unsanitary" ? "unsanitary" : "malformed";
  return { verdict, reason, reasonName: reasonOf(reason).name };
}

/** @returns the wire bytes, or the code of the reason why there are none */
function bytesOf(line: string): Uint8Array | number {
  let text: unknown = line;
  if (line.startsWith("{")) {
    try {
      text = (JSON.parse(line) as { tx?: unknown }).tx;
    } catch {
      return MALFORMED_LINE;
    }
  }
  if (typeof text !== "string") return MALFORMED_LINE;
  if (!BASE64.test(text) || text.length % 4 !== 0) return MALFORMED_BASE64;
  if (text.length > BASE64_MAX_CHARACTERS) return MALFORMED_OVERSIZED;
  const bytes = Buffer.from(text, "base64");
  // Bits behind the last byte must be zero: one transaction has one text.
  return bytes.toString("base64") === text ? bytes : MALFORMED_BASE64;
}

/** An answer for the terminal, in one line. */
export function describeAnswer(answer: Answer): string {
  const why = answer.reason === REASON_GOOD ? "" : `  ${answer.reasonName}: ${reasonOf(answer.reason).help}`;
  if (answer.verdict !== "ok") return `${answer.verdict}${why}`;
  const version = answer.version === "legacy" ? "legacy" : `v${answer.version}`;
  const signatures = `${answer.signatures} signature${answer.signatures === 1 ? "" : "s"}`;
  const units = `${answer.computeUnitLimit} CU at ${answer.computeUnitPrice} micro-lamports`;
  const hash = answer.packetHash === undefined ? "" : `  hash ${answer.packetHash}`;
  return (
    `ok  ${version}  ${answer.feePayer}  ${signatures}  fee ${answer.fee} lamports (${units})` +
    `  signature ${answer.signature}${hash}${why}`
  );
}

/**
 * Answers each line of a stream, until its end or until nobody reads the answers.
 * @param chunks bytes as they come
 */
export async function decodeStream(
  chunks: AsyncIterable<Uint8Array>,
  answer: (line: string) => Answer,
  json: boolean,
  out: Output,
): Promise<void> {
  for await (const line of readLines(chunks, LINE_MAX_BYTES)) {
    const found = line === undefined ? refused(MALFORMED_LINE) : answer(line);
    if (json) out.json(found);
    else out.line(describeAnswer(found));
    if (out.closed()) return;
  }
}

function senderOf(ip: string | undefined): Uint8Array | undefined {
  const octets = ip === undefined ? undefined : addressOctets(ip);
  if (ip !== undefined && octets === undefined) {
    throw new UsageError(`--ip: "${ip}" is not allowed; expected ${ADDRESS_ALLOWED}`);
  }
  return octets;
}

export default command({
  name: "decode",
  summary: "reads transactions and says what they pay",
  about:
    "Reads transactions from standard input, one a line, as base64 or as a JSON object with the base64 in `tx`, and answers " +
    "each line with one line: whether it is a transaction, who pays, and how much. The answers are those of the sidecar's own " +
    "parser and fee rules. Whatever the lines hold, the exit code is 0.",
  flags: {
    json: onOff({ help: "one JSON object a line" }),
    ip: text({
      help: "the sender's address; with it and the seed each answer has the packet hash",
      hint: "IP",
      fallback: undefined,
      pattern: ADDRESS_CHARACTERS,
      allowed: ADDRESS_ALLOWED,
    }),
    xxhashSeed: u64({ help: "seed of the packet hash", hint: "U64", env: "QOS_XXHASH_SEED", secret: true }),
    feeModel: choice(FEE_MODELS, {
      help: "chain: what the chain really charges; reference: the older sidecar's rule",
      fallback: "chain",
    }),
    preSimd0170: onOff({ help: "default compute-unit limits of before SIMD-0170, for old transactions" }),
    packetLayout: choice(PACKET_LAYOUT_NAMES, {
      help: "answer as a sidecar on such channels: a transaction that is longer than their packets hold is refused",
      fallback: ROOMIEST_PACKET_LAYOUT,
    }),
  },
  examples: [
    { line: "qos decode < transactions.txt", says: "one line for each transaction" },
    { line: "qos decode --json --fee-model reference < corpus.jsonl", says: "as JSON, with the older sidecar's fees" },
    {
      line: "qos decode --json --ip 10.20.0.1 --xxhash-seed 420 < corpus.jsonl",
      says: "with the packet hash that a scheduler would send back",
    },
  ],
  run: async ({ values, out }) => {
    const { feeModel, preSimd0170, packetLayout, xxhashSeed } = values;
    const decoder = new TransactionDecoder({ feeModel, preSimd0170, packetLayout, xxhashSeed });
    const sender = senderOf(values.ip);
    const octets = xxhashSeed === undefined ? undefined : sender;
    if (sender !== undefined && xxhashSeed === undefined) {
      out.note("qos decode: --ip without --xxhash-seed (or QOS_XXHASH_SEED): answers come without the packet hash");
    }
    await decodeStream(Bun.stdin.stream(), (line) => decodeLine(decoder, line, octets), values.json, out);
    return EXIT_FINE;
  },
});
