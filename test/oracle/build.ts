// Transactions spelt byte by byte under their fields' names, valid unless a field says otherwise.

export interface InstructionFields {
  /** Index of the program's key. */
  readonly program?: number;
  readonly accounts?: ArrayLike<number>;
  readonly data?: ArrayLike<number>;
}

export interface Fields {
  readonly signatureCount?: number;
  readonly signatures?: number;
  readonly required?: number;
  readonly readonlySigned?: number;
  readonly readonlyUnsigned?: number;
  readonly keyCount?: number;
  /** 32 bytes each, as hex; the fee payer first. */
  readonly keys?: readonly string[];
  readonly instructionCount?: number;
  readonly instructions?: readonly InstructionFields[];
}

export interface LookupFields {
  readonly writable?: ArrayLike<number>;
  readonly readonly?: ArrayLike<number>;
}

export interface OldFields extends Fields {
  /** Makes the transaction v0. */
  readonly lookups?: readonly LookupFields[];
  readonly lookupCount?: number;
  /** The byte before a v0 header. */
  readonly prefix?: number;
}

export interface NewFields extends Fields {
  readonly mask?: number;
  /** Words of 4 bytes, one for each set bit. */
  readonly config?: readonly number[];
}

export const PAYER = "11".repeat(32);
export const PROGRAM = "22".repeat(32);
const BLOCKHASH = new Uint8Array(32).fill(0xbb);
const TABLE = new Uint8Array(32).fill(0x77);

/** Shortest compact-u16 of at most two bytes. */
export function compact(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, value >> 7];
}

export const u16 = (value: number): number[] => [value & 255, value >> 8];
export const u32 = (value: number): number[] => [...u16(value & 65_535), ...u16(value >>> 16)];
export const u64 = (value: bigint): number[] => [
  ...u32(Number(value & 0xffffffffn)),
  ...u32(Number((value >> 32n) & 0xffffffffn)),
];

const signatureBytes = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, n) => Uint8Array.from({ length: 64 }, (_, i) => (7 * n + 13 * i + 1) & 255));
const keyBytes = (keys: readonly string[]): Uint8Array[] => keys.map((key) => Uint8Array.fromHex(key));
const join = (parts: readonly ArrayLike<number>[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => Array.from(part)));

/** A legacy transaction; v0 where `lookups` is given. */
export function oldTransaction(fields: OldFields = {}): Uint8Array {
  const { keys = [PAYER, PROGRAM], instructions = [], lookups } = fields;
  const signatures = fields.signatures ?? 1;
  return join([
    [fields.signatureCount ?? signatures],
    ...signatureBytes(signatures),
    lookups === undefined ? [] : [fields.prefix ?? 0x80],
    [fields.required ?? signatures, fields.readonlySigned ?? 0, fields.readonlyUnsigned ?? 0],
    [fields.keyCount ?? keys.length],
    ...keyBytes(keys),
    BLOCKHASH,
    compact(fields.instructionCount ?? instructions.length),
    ...instructions.flatMap(({ program = 1, accounts = [], data = [] }) => [
      [program],
      compact(accounts.length),
      accounts,
      compact(data.length),
      data,
    ]),
    lookups === undefined ? [] : [fields.lookupCount ?? lookups.length],
    ...(lookups ?? []).flatMap(({ writable = [], readonly = [] }) => [
      TABLE,
      compact(writable.length),
      writable,
      compact(readonly.length),
      readonly,
    ]),
  ]);
}

/** A v1 transaction (SIMD-0385). */
export function newTransaction(fields: NewFields = {}): Uint8Array {
  const { keys = [PAYER, PROGRAM], instructions = [], config = [] } = fields;
  const signatures = fields.signatures ?? 1;
  return join([
    [0x81],
    [fields.required ?? signatures, fields.readonlySigned ?? 0, fields.readonlyUnsigned ?? 0],
    u32(fields.mask ?? 0),
    BLOCKHASH,
    [fields.instructionCount ?? instructions.length],
    [fields.keyCount ?? keys.length],
    ...keyBytes(keys),
    ...config.map(u32),
    ...instructions.map(({ program = 1, accounts = [], data = [] }) => [program, accounts.length, ...u16(data.length)]),
    ...instructions.flatMap(({ accounts = [], data = [] }) => [accounts, data]),
    ...signatureBytes(signatures),
  ]);
}
