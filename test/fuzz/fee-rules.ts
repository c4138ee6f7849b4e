// Both fee rules once more, from the words of the contract (engine.md, 4), in plain BigInt, over what the oracle read: the
// independent half of the fee's differential test. Nothing is shared with the kernel but the programs' names.

import { base58 } from "@scure/base";
import type { OracleFields } from "./view-oracle.ts";

const BUDGET = "ComputeBudget111111111111111111111111111111";
const PRECOMPILES = new Set([
  "Ed25519SigVerify111111111111111111111111111",
  "KeccakSecp256k11111111111111111111111111111",
  "Secp256r1SigVerify1111111111111111111111111",
]);
const BUILT_IN = new Set([
  BUDGET,
  "11111111111111111111111111111111",
  "Vote111111111111111111111111111111111111111",
  "BPFLoader1111111111111111111111111111111111",
  "BPFLoader2111111111111111111111111111111111",
  "BPFLoaderUpgradeab1e11111111111111111111111",
  "LoaderV411111111111111111111111111111111111",
  "Ed25519SigVerify111111111111111111111111111",
  "KeccakSecp256k11111111111111111111111111111",
]);
const U64_MAX = 2n ** 64n - 1n;
const V1 = 1;

export interface Fee {
  readonly fee: bigint;
  readonly computeUnits: number;
  /** Whether the chain would refuse it. */
  readonly never: boolean;
}

const little = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

interface Called {
  readonly program: string;
  readonly data: Uint8Array;
}

const known = new Map<string, string>();

function calls(fields: OracleFields, payload: Uint8Array): Called[] {
  return fields.instructions.map(({ program, dataAt, dataBytes }) => {
    const at = fields.keysAt + 32 * program;
    const key = payload.subarray(at, at + 32);
    const hex = Buffer.from(key).toString("latin1");
    let id = known.get(hex);
    if (id === undefined) {
      id = base58.encode(key);
      if (known.size < 64 && (BUILT_IN.has(id) || PRECOMPILES.has(id))) known.set(hex, id);
    }
    return { program: id, data: payload.subarray(dataAt, dataAt + dataBytes) };
  });
}

function hasKeyTwice(fields: OracleFields, payload: Uint8Array): boolean {
  const keys = Buffer.from(payload.buffer, payload.byteOffset + fields.keysAt, 32 * fields.keys);
  const seen = new Set(Array.from({ length: fields.keys }, (_, i) => keys.toString("latin1", 32 * i, 32 * i + 32)));
  return seen.size < fields.keys;
}

export function chainFee(fields: OracleFields, payload: Uint8Array): Fee {
  const called = calls(fields, payload);
  const precompiled = called.filter(({ program, data }) => PRECOMPILES.has(program) && data.length > 0);
  const signatures = precompiled.reduce((sum, { data }) => sum + data[0], fields.signatures);
  const base = 5_000n * BigInt(signatures);
  let never = fields.instructions.length > 64 || fields.instructions.some(({ accounts }) => accounts > 255);
  never ||= fields.keys + fields.lookedUp > 128 || hasKeyTwice(fields, payload);
  if (fields.version === V1) {
    const { fee, limit } = fields.config;
    return { fee: never ? 0n : least(base + fee, U64_MAX), computeUnits: Math.min(limit, 1_400_000), never };
  }
  const given = new Map<number, bigint>();
  for (const { program, data } of called) {
    if (program !== BUDGET) continue;
    const kind = data[0];
    const bytes = kind === 3 ? 8 : 4;
    if (kind === undefined || kind < 1 || kind > 4 || data.length < 1 + bytes || given.has(kind)) never = true;
    else given.set(kind, little(data.subarray(1, 1 + bytes)));
  }
  const heap = given.get(1);
  if (heap !== undefined && (heap < 32_768n || heap > 262_144n || heap % 1_024n !== 0n)) never = true;
  if (given.get(4) === 0n) never = true;
  const defaults = called.reduce((sum, { program }) => sum + (BUILT_IN.has(program) ? 3_000 : 200_000), 0);
  const limit = least(given.get(2) ?? BigInt(defaults), 1_400_000n);
  const priority = (limit * (given.get(3) ?? 0n) + 999_999n) / 1_000_000n;
  return { fee: never ? 0n : least(base + priority, U64_MAX), computeUnits: Number(limit), never };
}

/** Legacy and v0 only: the reference refuses v1. */
export function referenceFee(fields: OracleFields, payload: Uint8Array): Fee {
  let limit: bigint | undefined;
  let price: bigint | undefined;
  for (const { program, data } of calls(fields, payload).slice(0, 8)) {
    if (program !== BUDGET) continue;
    if (data.length === 5 && data[0] === 2) limit ??= little(data.subarray(1));
    if (data.length === 9 && data[0] === 3) price ??= little(data.subarray(1));
  }
  const priority = least(((limit ?? 200_000n) * (price ?? 0n)) / 1_000_000n, U64_MAX);
  const fee = BigInt.asUintN(64, 5_000n * BigInt(fields.signatures) + priority);
  return { fee, computeUnits: Number(limit ?? 200_000n), never: false };
}
