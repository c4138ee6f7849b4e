// A channel's elements in words, for `qos inspect`: a packet with what its transaction says, an outcome, a signature.

import { base58 } from "@scure/base";
import { TransactionDecoder } from "../../kernel/decoder.ts";
import * as packet from "../../shape/packet-layout.ts";
import { type ChannelKind, PACKET_LAYOUTS, type PacketLayout, type PacketShape } from "../../shape/packet-layouts.ts";
import { INVALID_META_SIZE, NON_IPV4 } from "../../shape/reason-codes.ts";
import { reasonOf } from "../../wire/reasons.ts";
import { type Answer, answerOf, describeAnswer } from "../commands/decode.ts";

/** An element's fields in the order of printing, and the same as one line for people. */
export interface Shown {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export type Show = (index: number, element: Uint8Array) => Shown;

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [packet.FLAG_DISCARD, "discard"],
  [packet.FLAG_FORWARDED, "forwarded"],
  [packet.FLAG_REPAIR, "repair"],
  [packet.FLAG_SIMPLE_VOTE, "simple-vote"],
  [packet.FLAG_PERF_TRACK, "perf-track"],
  [packet.FLAG_STAKED, "staked"],
];

export interface ShowOptions {
  readonly packetLayout: PacketLayout;
  /** With it, packets are shown with their hash. */
  readonly seed: bigint | undefined;
}

/** How the elements of a kind of channel are shown. */
export function showerOf(kind: ChannelKind, options: ShowOptions): Show {
  if (kind === "outcomes") return showOutcome;
  if (kind === "confirmed") return showSignature;
  const decoder = new TransactionDecoder({
    feeModel: "chain",
    preSimd0170: false,
    packetLayout: options.packetLayout,
    xxhashSeed: options.seed,
  });
  return (index, element) => showPacket(decoder, options, index, element);
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const hex = (value: bigint): string => value.toString(16).padStart(16, "0");

function showPacket(decoder: TransactionDecoder, options: ShowOptions, index: number, element: Uint8Array): Shown {
  const view = viewOf(element);
  const shape = PACKET_LAYOUTS[options.packetLayout];
  const size = view.getBigUint64(shape.sizeAt, true);
  const octets = octetsOf(element, shape);
  const ip = octets === undefined ? undefined : addressText(octets);
  const port = view.getUint16(shape.portAt, true);
  const flagBits = element[shape.flagsAt];
  const flags = FLAG_NAMES.filter(([bit]) => (flagBits & bit) !== 0).map(([, name]) => name);
  const peer = shape.remoteKeyAt === undefined ? undefined : peerOf(element, shape.remoteKeyAt);
  const hashed = options.seed !== undefined && octets !== undefined;
  const isSized = size <= BigInt(shape.payloadMaxBytes);
  const answer: Answer | { verdict: "refused"; reason: number; reasonName: string } = !isSized
    ? refused(INVALID_META_SIZE)
    : octets === undefined
      ? refused(NON_IPV4)
      : answerOf(decoder.decode(element.subarray(0, Number(size)), octets), hashed);
  const sender = octets === undefined ? "unknown address" : octets.length === 4 ? `${ip}:${port}` : `[${ip}]:${port}`;
  const marks = flags.length === 0 ? "" : `  ${flags.join(",")}`;
  const said =
    answer.verdict === "refused"
      ? `refused  ${answer.reasonName}: ${reasonOf(answer.reason).help}`
      : describeAnswer(answer);
  return {
    fields: { index, ip, port, size, flags, ...(peer === undefined ? {} : { peer }), ...answer },
    text: `${index}  ${sender}  ${size} bytes${marks}  ${said}`,
  };
}

const refused = (reason: number) => ({ verdict: "refused" as const, reason, reasonName: reasonOf(reason).name });

/** @returns undefined for an address tag that no layout knows */
function octetsOf(element: Uint8Array, { addressTagAt, addressAt }: PacketShape): Uint8Array | undefined {
  const tag = element[addressTagAt];
  if (tag === packet.ADDRESS_TAG_IPV4) return element.subarray(addressAt, addressAt + 4);
  return tag === packet.ADDRESS_TAG_IPV6 ? element.subarray(addressAt, addressAt + 16) : undefined;
}

/** An address in full, in the usual short form. */
function addressText(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join(".");
  const view = viewOf(octets);
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(2 * index).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1); // the URL standard's short form
}

/** The QUIC peer's identity; undefined if it is not known. */
function peerOf(element: Uint8Array, keyAt: number): string | undefined {
  const key = element.slice(keyAt, keyAt + packet.PUBKEY_BYTES);
  return key.every((byte) => byte === 0) ? undefined : base58.encode(key);
}

const showOutcome: Show = (index, element) => {
  const view = viewOf(element);
  const packetHash = hex(view.getBigUint64(0, true));
  const executionNanos = view.getBigUint64(8, true);
  const included = executionNanos > 0n;
  const end = included ? `included, ran ${executionNanos} ns` : "not included";
  return { fields: { index, packetHash, executionNanos, included }, text: `${index}  ${packetHash}  ${end}` };
};

const showSignature: Show = (index, element) => {
  const signature = base58.encode(element.slice());
  return { fields: { index, signature }, text: `${index}  ${signature}` };
};
