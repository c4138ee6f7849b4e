// Packets to measure with, the same file for both sides: 16,384 of 1264 bytes, from a fixed seed.
//
//   small    259-byte transfers with a price, of 10,000 payers from 10,000 addresses
//   corpus   the 602 mainnet transactions of the fixtures, in turn, from 10,000 addresses
//   worst    1232 bytes each: one long instruction, as many short ones as fit, as many lookups as fit, twelve signatures

import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { corpus } from "../kernel/rig.ts";
import { ADDRESS_AT, AGAVE2_PACKET_BYTES, PAYLOAD_MAX_BYTES, PORT_AT, SIZE_AT } from "../tools/agave-packet.ts";
import { SplitMix64 } from "./mix.ts";

export const MIXES = ["small", "corpus", "worst"] as const;
export type Mix = (typeof MIXES)[number];

export const PACKETS = 16_384;
const SENDERS = 10_000;
const SEED = 77n;
const PORT = 8_000;

/** ComputeBudget111111111111111111111111111111 */
const COMPUTE_BUDGET = Uint8Array.fromHex("0306466fe5211732ffecadba72c39be7bc8ce5bbc5f7126b2c439b3a40000000");

const concat = (...parts: (Uint8Array | number[])[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

function littleEndian(bytes: number, value: bigint): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

const compact = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7]);

/** 4 keys: payer, receiver, system program, compute budget; a price and a transfer. */
function smallTransaction(numbers: SplitMix64, payers: readonly Uint8Array[]): Uint8Array {
  const payer = payers[numbers.below(payers.length)];
  const price = littleEndian(8, BigInt(numbers.below(1_000_000)));
  const amount = littleEndian(8, BigInt(numbers.below(1_000_000_000)));
  return concat(
    [1],
    numbers.bytes(64),
    [1, 0, 2, 4],
    payer,
    numbers.bytes(32),
    new Uint8Array(32),
    COMPUTE_BUDGET,
    numbers.bytes(32),
    [2, 3, 0, 9, 3],
    price,
    [2, 2, 0, 1, 12, 2, 0, 0, 0],
    amount,
  );
}

/** One signature, two keys, and an instruction whose data fills the payload. */
function longTransaction(numbers: SplitMix64, payers: readonly Uint8Array[], bytes: number): Uint8Array {
  const payer = payers[numbers.below(payers.length)];
  const head = concat([1], numbers.bytes(64), [1, 0, 1, 2], payer, numbers.bytes(32), numbers.bytes(32), [1, 1, 0]);
  const lengthBytes = bytes - head.length - 1 < 0x80 ? 1 : 2;
  const data = bytes - head.length - lengthBytes;
  return concat(head, compact(data), numbers.bytes(data & ~7), new Uint8Array(data & 7));
}

/** Two keys, a program that nobody knows, and what makes parsing or hashing dear. */
function worstTransaction(numbers: SplitMix64, payers: readonly Uint8Array[], kind: number): Uint8Array {
  const keys = concat([2], payers[numbers.below(payers.length)], numbers.bytes(32), numbers.bytes(32));
  const head = concat([1], numbers.bytes(64), [1, 0, 1], keys);
  const version0 = concat([1], numbers.bytes(64), [0x80, 1, 0, 1], keys);
  if (kind === 0) return longTransaction(numbers, payers, PAYLOAD_MAX_BYTES);
  if (kind === 1) {
    const count = Math.floor((PAYLOAD_MAX_BYTES - head.length - 2) / 3);
    return concat(
      head,
      compact(count),
      Array.from({ length: 3 * count }, (_, i) => (i % 3 === 0 ? 1 : 0)),
    );
  }
  if (kind === 2) {
    const count = Math.floor((PAYLOAD_MAX_BYTES - version0.length - 5) / 35);
    const lookups = Array.from({ length: count }, () => concat(numbers.bytes(32), [1, 3, 0]));
    return concat(version0, [1, 1, 0, 0], [count], ...lookups);
  }
  const signatures = 12;
  const signers = concat([signatures + 1], ...Array.from({ length: signatures + 1 }, () => numbers.bytes(32)));
  return concat([signatures], numbers.bytes(64 * signatures), [signatures, 0, 1], signers, numbers.bytes(32), [0]);
}

function transactionOf(mix: Mix, numbers: SplitMix64, payers: readonly Uint8Array[], index: number): Uint8Array {
  if (mix === "small") return smallTransaction(numbers, payers);
  return worstTransaction(numbers, payers, index & 3);
}

/** Packets of one size: two keys and an instruction whose data fills them. */
export function sizedPackets(bytes: number, count: number = 4_096): Uint8Array {
  const numbers = new SplitMix64(SEED);
  const payers = Array.from({ length: SENDERS }, () => numbers.bytes(32));
  return packetsOf(count, numbers, () => longTransaction(numbers, payers, bytes));
}

/** All packets of a mix, one behind the other. */
export function makePackets(mix: Mix, count: number = PACKETS): Uint8Array {
  const numbers = new SplitMix64(SEED);
  const transactions = mix === "corpus" ? corpus() : undefined;
  const payers = transactions === undefined ? Array.from({ length: SENDERS }, () => numbers.bytes(32)) : [];
  return packetsOf(
    count,
    numbers,
    (i) => transactions?.[i % transactions.length] ?? transactionOf(mix, numbers, payers, i),
  );
}

function packetsOf(count: number, numbers: SplitMix64, transactionAt: (index: number) => Uint8Array): Uint8Array {
  const out = new Uint8Array(count * AGAVE2_PACKET_BYTES);
  const view = new DataView(out.buffer);
  for (let i = 0; i < count; i++) {
    const at = i * AGAVE2_PACKET_BYTES;
    const transaction = transactionAt(i);
    if (transaction.length > PAYLOAD_MAX_BYTES) throw new RangeError(`a payload of ${transaction.length} bytes`);
    const sender = numbers.below(SENDERS);
    out.set(transaction, at);
    view.setBigUint64(at + SIZE_AT, BigInt(transaction.length), true);
    out.set([10, 0, sender >> 8, sender & 0xff], at + ADDRESS_AT);
    view.setUint16(at + PORT_AT, PORT, true);
  }
  return out;
}

export interface PacketFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

const made = new Map<string, PacketFile>();

/** The packets of a mix, and a file of them for other processes. */
export function packetFile(mix: Mix, count: number = PACKETS): PacketFile {
  let file = made.get(`${mix} ${count}`);
  if (file === undefined) {
    const bytes = makePackets(mix, count);
    const folder = join(tmpdir(), "qos-bench");
    const path = join(folder, `${mix}-${new Bun.CryptoHasher("sha256").update(bytes).digest("hex").slice(0, 16)}.bin`);
    if (!existsSync(path)) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(`${path}.${process.pid}`, bytes);
      renameSync(`${path}.${process.pid}`, path);
    }
    file = { path, bytes };
    made.set(`${mix} ${count}`, file);
  }
  return file;
}
