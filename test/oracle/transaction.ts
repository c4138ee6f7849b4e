// An independent reading of transactions and fees: plain objects, BigInt, exceptions, slow. Written from the specification
// only (structure and sanity rules, both fee rules), to hold the kernel against it.

import { base58 } from "@scure/base";

export interface Instruction {
  readonly program: number;
  readonly accounts: Uint8Array;
  readonly data: Uint8Array;
}

export interface Parsed {
  readonly version: "legacy" | 0 | 1;
  readonly bytes: number;
  readonly signatures: readonly Uint8Array[];
  readonly required: number;
  readonly readonlySigned: number;
  readonly readonlyUnsigned: number;
  readonly keys: readonly Uint8Array[];
  readonly instructions: readonly Instruction[];
  readonly lookups: readonly { readonly writable: number; readonly readonly: number }[];
  /** v1 only. */
  readonly config: {
    readonly priorityFee: bigint;
    readonly limit: number;
    readonly loadedData: number | undefined;
    readonly heap: number | undefined;
  };
}

export interface FeeRule {
  readonly feeModel: "chain" | "reference";
  readonly preSimd0170: boolean;
}

export interface Fee {
  readonly lamports: bigint;
  readonly computeUnits: number;
  readonly price: bigint;
  readonly never: boolean;
}

export type Reading =
  | { readonly verdict: "malformed" | "unsanitary" }
  | ({ readonly verdict: "ok"; readonly transaction: Parsed } & Fee);

class Malformed extends Error {}

class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}

  left(): number {
    return this.bytes.length - this.at;
  }

  take(count: number): Uint8Array {
    if (count > this.left()) throw new Malformed();
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  u8(): number {
    return this.take(1)[0];
  }

  u16(): number {
    return this.u8() + this.u8() * 256;
  }

  u32(): number {
    return this.u16() + this.u16() * 65_536;
  }

  u64(): bigint {
    return BigInt(this.u32()) + (BigInt(this.u32()) << 32n);
  }

  compact(): number {
    const first = this.u8();
    if (first < 128) return first;
    const second = this.u8();
    if (second === 0 || second > 127) throw new Malformed();
    return first - 128 + second * 128;
  }
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
const insist = (truth: boolean): void => {
  if (!truth) throw new Malformed();
};
const NO_CONFIG = { priorityFee: 0n, limit: 0, loadedData: undefined, heap: undefined };

function parseOld(reader: Reader): Parsed {
  const signatureCount = reader.u8();
  insist(signatureCount >= 1 && signatureCount <= 12);
  const signatures = times(signatureCount, () => reader.take(64));
  let required = reader.u8();
  let version: "legacy" | 0 = "legacy";
  if (required >= 128) {
    insist(required === 128);
    version = 0;
    required = reader.u8();
  }
  const readonlySigned = reader.u8();
  const readonlyUnsigned = reader.u8();
  const keyCount = reader.u8();
  insist(keyCount >= 1 && keyCount <= 38);
  const keys = times(keyCount, () => reader.take(32));
  reader.take(32);
  const instructions = times(reader.compact(), () => ({
    program: reader.u8(),
    accounts: reader.take(reader.compact()),
    data: reader.take(reader.compact()),
  }));
  let lookups: Parsed["lookups"] = [];
  if (version === 0) {
    const lookupCount = reader.u8();
    insist(lookupCount <= 31 && reader.left() >= 35 * lookupCount);
    lookups = times(lookupCount, () => {
      reader.take(32);
      const writable = reader.take(reader.compact()).length;
      const readonly = reader.take(reader.compact()).length;
      return { writable, readonly };
    });
  }
  const { length } = reader.bytes;
  const common = {
    version,
    bytes: length,
    signatures,
    required,
    readonlySigned,
    readonlyUnsigned,
    keys,
    instructions,
    lookups,
  };
  return { ...common, config: NO_CONFIG };
}

function parseNew(reader: Reader): Parsed {
  reader.u8();
  const required = reader.u8();
  const readonlySigned = reader.u8();
  const readonlyUnsigned = reader.u8();
  const mask = reader.u32();
  reader.take(32);
  const instructionCount = reader.u8();
  const keyCount = reader.u8();
  const keys = times(keyCount, () => reader.take(32));
  insist(mask < 32 && (mask % 4 === 0 || mask % 4 === 3));
  const has = (bit: number): boolean => ((mask >> bit) & 1) === 1;
  const config = {
    priorityFee: has(0) ? reader.u64() : 0n,
    limit: has(2) ? reader.u32() : 0,
    loadedData: has(3) ? reader.u32() : undefined,
    heap: has(4) ? reader.u32() : undefined,
  };
  const headers = times(instructionCount, () => ({
    program: reader.u8(),
    accounts: reader.u8(),
    data: reader.u16(),
  }));
  const instructions = headers.map(({ program, accounts, data }) => ({
    program,
    accounts: reader.take(accounts),
    data: reader.take(data),
  }));
  const signatures = times(required, () => reader.take(64));
  const { length } = reader.bytes;
  const common = { version: 1 as const, bytes: length, signatures, required, readonlySigned, readonlyUnsigned, keys };
  return { ...common, instructions, lookups: [], config };
}

/** @returns undefined if the structure is wrong */
export function parse(bytes: Uint8Array): Parsed | undefined {
  const reader = new Reader(bytes);
  try {
    const parsed = bytes[0] === 0x81 ? parseNew(reader) : parseOld(reader);
    return reader.left() === 0 ? parsed : undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

const isHeap = (bytes: number): boolean => bytes >= 32 * 1024 && bytes <= 256 * 1024 && bytes % 1024 === 0;

export function isSanitary(parsed: Parsed): boolean {
  const { version, signatures, required, keys, instructions, lookups, config } = parsed;
  const total = keys.length + lookups.reduce((sum, { writable, readonly }) => sum + writable + readonly, 0);
  if (version === 1) {
    if (required < 1 || required > 12 || keys.length > 64 || instructions.length > 64) return false;
    if (config.heap !== undefined && !isHeap(config.heap)) return false;
  }
  if (version !== 1 && parsed.bytes > 1_232) return false;
  return (
    signatures.length === required &&
    keys.length >= signatures.length &&
    parsed.readonlyUnsigned <= keys.length - required &&
    parsed.readonlySigned < required &&
    total <= 256 &&
    instructions.every(({ program }) => program >= 1 && program < keys.length) &&
    instructions.every(({ accounts }) => accounts.every((index) => index < total)) &&
    lookups.every(({ writable, readonly }) => writable + readonly > 0)
  );
}

const idOf = (text: string): string => base58.decode(text).toHex();
export const COMPUTE_BUDGET = idOf("ComputeBudget111111111111111111111111111111");
export const SYSTEM = "00".repeat(32);
export const PRECOMPILES = [
  "Ed25519SigVerify111111111111111111111111111",
  "KeccakSecp256k11111111111111111111111111111",
  "Secp256r1SigVerify1111111111111111111111111",
].map(idOf);
export const BUILTINS = [
  ...[COMPUTE_BUDGET, SYSTEM, PRECOMPILES[0], PRECOMPILES[1]],
  ...[
    "Vote111111111111111111111111111111111111111",
    "BPFLoader1111111111111111111111111111111111",
    "BPFLoader2111111111111111111111111111111111",
    "BPFLoaderUpgradeab1e11111111111111111111111",
    "LoaderV411111111111111111111111111111111111",
  ].map(idOf),
];
/** Programs that a naive list would take for built-in ones. */
export const NOT_BUILTINS = [
  ...[
    "Stake11111111111111111111111111111111111111",
    "Config1111111111111111111111111111111111111",
    "AddressLookupTab1e1111111111111111111111111",
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
  ].map(idOf),
  PRECOMPILES[2],
];

const U64_MAX = (1n << 64n) - 1n;
const MICRO = 1_000_000n;
const MAX_UNITS = 1_400_000;
const numberOf = (bytes: Uint8Array, from: number, count: number): bigint =>
  bytes.subarray(from, from + count).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);

/** limit * price in lamports. */
export function priorityFee(limit: number, price: bigint, up: boolean): bigint {
  const product = BigInt(limit) * price;
  return up ? (product + MICRO - 1n) / MICRO : product / MICRO;
}

export function referenceFee(parsed: Parsed): Fee {
  const base = 5000n * BigInt(parsed.signatures.length);
  if (parsed.version === 1) {
    const { priorityFee: priority, limit } = parsed.config;
    const lamports = (base + priority) & U64_MAX;
    return { lamports, computeUnits: Math.min(limit, MAX_UNITS), price: 0n, never: false };
  }
  const budgets = parsed.instructions
    .slice(0, 8)
    .filter(({ program }) => parsed.keys[program].toHex() === COMPUTE_BUDGET)
    .map(({ data }) => data);
  const limitData = budgets.find((data) => data.length === 5 && data[0] === 2);
  const priceData = budgets.find((data) => data.length === 9 && data[0] === 3);
  const computeUnits = limitData === undefined ? 200_000 : Number(numberOf(limitData, 1, 4));
  const price = priceData === undefined ? 0n : numberOf(priceData, 1, 8);
  const priority = priorityFee(computeUnits, price, false);
  const held = priority > U64_MAX ? U64_MAX : priority;
  return { lamports: (base + held) & U64_MAX, computeUnits, price, never: false };
}

export function chainFee(parsed: Parsed, preSimd0170: boolean): Fee {
  const { instructions, keys, config } = parsed;
  const program = ({ program: index }: Instruction): string => keys[index].toHex();
  const locks = keys.length + parsed.lookups.reduce((sum, { writable, readonly }) => sum + writable + readonly, 0);
  const different = new Set(keys.map((key) => key.toHex())).size;
  let never = instructions.length > 64 || instructions.some(({ accounts }) => accounts.length > 255);
  never ||= locks > 128 || different < keys.length;
  let price = 0n;
  let computeUnits: number;
  let priority: bigint;
  if (parsed.version === 1) {
    computeUnits = Math.min(config.limit, MAX_UNITS);
    priority = config.priorityFee;
  } else {
    const values = new Map<number, bigint>();
    for (const { data } of instructions.filter((one) => program(one) === COMPUTE_BUDGET)) {
      const kind = data[0] ?? 0;
      const bytes = kind === 3 ? 8 : 4;
      if (kind < 1 || kind > 4 || data.length < 1 + bytes || values.has(kind)) never = true;
      else values.set(kind, numberOf(data, 1, bytes));
    }
    const heap = values.get(1);
    never ||= (heap !== undefined && !isHeap(Number(heap))) || values.get(4) === 0n;
    const unitsOf = (id: string): number => {
      if (preSimd0170) return id === COMPUTE_BUDGET ? 0 : 200_000;
      return BUILTINS.includes(id) ? 3_000 : 200_000;
    };
    const usual = instructions.reduce((sum, one) => sum + unitsOf(program(one)), 0);
    const limit = values.get(2);
    computeUnits = Math.min(limit === undefined ? usual : Number(limit), MAX_UNITS);
    price = values.get(3) ?? 0n;
    priority = priorityFee(computeUnits, price, true);
  }
  const more = instructions.filter((one) => PRECOMPILES.includes(program(one))).map(({ data }) => data[0] ?? 0);
  const signatures = parsed.signatures.length + more.reduce((sum, count) => sum + count, 0);
  const sum = 5000n * BigInt(signatures) + priority;
  return { lamports: never ? 0n : sum > U64_MAX ? U64_MAX : sum, computeUnits, price, never };
}

export function read(bytes: Uint8Array, rule: FeeRule): Reading {
  const transaction = parse(bytes);
  if (transaction === undefined) return { verdict: "malformed" };
  if (!isSanitary(transaction)) return { verdict: "unsanitary" };
  const fee = rule.feeModel === "reference" ? referenceFee(transaction) : chainFee(transaction, rule.preSimd0170);
  return { verdict: "ok", transaction, ...fee };
}
