// Real wire transactions to copy from: one signature, a compute-unit limit, a price, and one call of some program. Two
// transactions of one template differ in signature, payer, limit, price and number. These are patched in place, at offsets that
// are the same for all templates of a version.

import type { Random } from "./random.ts";

export type TransactionVersion = "legacy" | "v0";

/** Bytes by which a limit and a price stand farther back in a legacy transaction on a durable nonce. */
export const NONCE_SHIFT_BYTES = 106;
/** Offsets in it: the nonce's account, and its value in the place of a recent blockhash. */
export const NONCE_ACCOUNT_AT = 133;
export const NONCE_VALUE_AT = 293;
/** SysvarRecentB1ockHashes11111111111111111111 */
const RECENT_BLOCKHASHES = Uint8Array.fromHex("06a7d517192c568ee08a845f73d29788cf035c3145b21ab344d8062ea9400000");

export interface WireTemplate {
  readonly version: TransactionVersion;
  readonly bytes: Uint8Array;
}

/** Offsets in a legacy transaction of ours. A v0 transaction has one byte more, the version, behind the signature. */
export const SIGNATURE_AT = 1;
export const LEGACY_MESSAGE_AT = 65;
export const LEGACY_PAYER_AT = 69;
export const LEGACY_LIMIT_AT = 234;
export const LEGACY_PRICE_AT = 242;
/** The transaction's number (u32) and its complement (u32): the last bytes of the program's data. */
export const NUMBER_BYTES = 8;
/** A v0 transaction ends with its count of table lookups. */
export const V0_TAIL_BYTES = 1;
export const V0_VERSION_BYTE = 0x80;

/** ComputeBudget111111111111111111111111111111 */
const COMPUTE_BUDGET = Uint8Array.fromHex("0306466fe5211732ffecadba72c39be7bc8ce5bbc5f7126b2c439b3a40000000");
const DATA_BYTES_MIN = 16;
const DATA_BYTES_MAX = 96;
const PUBKEY_BYTES = 32;

/** A template whose keys, blockhash and data are drawn. */
export function wireTemplate(version: TransactionVersion, random: Random): WireTemplate {
  const dataBytes = DATA_BYTES_MIN + random.below(DATA_BYTES_MAX - DATA_BYTES_MIN);
  const bytes = [
    1, // signatures
    ...draw(64, random),
    ...(version === "v0" ? [V0_VERSION_BYTE] : []),
    ...[1, 0, 2], // one signer; the two programs are read-only
    4, // keys: payer, an account, the compute-budget program, a program
    ...draw(PUBKEY_BYTES, random),
    ...draw(PUBKEY_BYTES, random),
    ...COMPUTE_BUDGET,
    ...draw(PUBKEY_BYTES, random),
    ...draw(PUBKEY_BYTES, random), // blockhash
    3, // instructions
    ...[2, 0, 5, 2, 0, 0, 0, 0], // set the limit
    ...[2, 0, 9, 3, 0, 0, 0, 0, 0, 0, 0, 0], // set the price
    ...[3, 2, 0, 1, dataBytes],
    ...draw(dataBytes, random),
    ...(version === "v0" ? [0] : []), // table lookups
  ];
  return { version, bytes: Uint8Array.from(bytes) };
}

/** The same as a legacy transaction on a durable nonce: its first instruction advances the nonce. */
export function nonceTemplate(random: Random): WireTemplate {
  const dataBytes = DATA_BYTES_MIN + random.below(DATA_BYTES_MAX - DATA_BYTES_MIN);
  const bytes = [
    1, // signatures
    ...draw(64, random),
    ...[1, 0, 4], // one signer; the programs and the sysvar are read-only
    7, // keys: payer, an account, the nonce, the compute-budget program, a program, the system program, the sysvar
    ...draw(PUBKEY_BYTES, random),
    ...draw(PUBKEY_BYTES, random),
    ...draw(PUBKEY_BYTES, random),
    ...COMPUTE_BUDGET,
    ...draw(PUBKEY_BYTES, random),
    ...new Uint8Array(PUBKEY_BYTES),
    ...RECENT_BLOCKHASHES,
    ...draw(PUBKEY_BYTES, random), // the nonce's value
    4, // instructions
    ...[5, 3, 2, 6, 0, 4, 4, 0, 0, 0], // advance the nonce
    ...[3, 0, 5, 2, 0, 0, 0, 0], // set the limit
    ...[3, 0, 9, 3, 0, 0, 0, 0, 0, 0, 0, 0], // set the price
    ...[4, 2, 0, 1, dataBytes],
    ...draw(dataBytes, random),
  ];
  return { version: "legacy", bytes: Uint8Array.from(bytes) };
}

function draw(count: number, random: Random): number[] {
  return Array.from({ length: count }, () => random.below(256));
}
