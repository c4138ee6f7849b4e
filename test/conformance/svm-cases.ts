// Signed transactions for the fee's proof against a real Solana VM: random compute-budget instructions of every kind and
// every fault, precompiles with several signatures, built-in and other programs, prices and limits at their extremes.

import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { base58 } from "@scure/base";
import type { Random } from "../tools/random.ts";

const PKCS8_ED25519 = "302e020100300506032b657004220420";

export interface Signer {
  readonly key: Uint8Array;
  readonly secret: KeyObject;
}

/** A key pair from a number. */
export function makeSigner(number: number): Signer {
  const seed = Buffer.alloc(32, number);
  const secret = createPrivateKey({
    key: Buffer.concat([Buffer.from(PKCS8_ED25519, "hex"), seed]),
    format: "der",
    type: "pkcs8",
  });
  const { x } = secret.export({ format: "jwk" });
  return { key: Uint8Array.from(Buffer.from(x!, "base64url")), secret };
}

const programs = (ids: readonly string[]): Uint8Array[] => ids.map((id) => base58.decode(id));
const BUDGET = base58.decode("ComputeBudget111111111111111111111111111111");
const PRECOMPILES = programs([
  "Ed25519SigVerify111111111111111111111111111",
  "KeccakSecp256k11111111111111111111111111111",
  "Secp256r1SigVerify1111111111111111111111111",
]);
// Only programs that the VM has: a transaction that names another fails while it is loaded.
const BUILT_IN = programs([
  "11111111111111111111111111111111",
  "BPFLoader1111111111111111111111111111111111",
  "BPFLoader2111111111111111111111111111111111",
  "BPFLoaderUpgradeab1e11111111111111111111111",
]);
const OTHERS = programs([
  "Stake11111111111111111111111111111111111111",
  "AddressLookupTab1e1111111111111111111111111",
  "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",
  "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
  "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr",
]);
/** The VM's features are all on, the vote program's migration too: it counts 200,000 there, 3,000 on today's chain. */
const VOTE = base58.decode("Vote111111111111111111111111111111111111111");

interface Instruction {
  readonly program: Uint8Array;
  readonly accounts: number;
  readonly data: Uint8Array;
}

const little = (value: bigint, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

const compact = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7]);

function budgetInstruction(random: Random, kind: number): Instruction {
  let value = random.integer(kind === 3 ? 64 : 32);
  if (kind === 1 && random.chance(0.8)) value = BigInt(1_024 * random.between(31, 257));
  if (kind === 2 && random.chance(0.6)) value = BigInt(random.below(1_500_000));
  if (kind === 3 && random.chance(0.6)) value = BigInt(random.below(2_000_000));
  if (kind === 4 && random.chance(0.9)) value = BigInt(random.between(40_000_000, 2 ** 32 - 1));
  const data = [kind, ...little(value, kind === 3 ? 8 : 4)];
  if (random.chance(0.04)) data.length = random.below(data.length); // cut short
  if (random.chance(0.06)) data.push(...Array.from({ length: random.between(1, 5) }, () => random.below(256)));
  return { program: BUDGET, accounts: random.below(2), data: Uint8Array.from(data) };
}

/** Random instructions; whether a compute-unit limit is among them decides whether votes may be. */
function makeInstructions(random: Random): Instruction[] {
  const instructions: Instruction[] = [];
  for (const kind of [1, 2, 3, 4]) if (random.chance(0.5)) instructions.push(budgetInstruction(random, kind));
  if (random.chance(0.05)) instructions.push(budgetInstruction(random, random.between(1, 4))); // perhaps twice
  if (random.chance(0.02)) instructions.push(budgetInstruction(random, random.pick([0, 5, 6, 255])));
  if (random.chance(0.01)) instructions.push({ program: BUDGET, accounts: 0, data: new Uint8Array(0) });
  for (let count = random.chance(0.03) ? random.pick([20, 55, 63, 64]) : random.below(6); count > 0; count--) {
    const way = random.below(10);
    const data = Uint8Array.from({ length: random.below(20) }, () => random.below(256));
    if (way < 3) {
      if (data.length > 0 && random.chance(0.7)) data[0] = random.below(9);
      instructions.push({ program: random.pick(PRECOMPILES), accounts: 0, data });
    } else if (way < 6) instructions.push({ program: random.pick(BUILT_IN), accounts: random.below(3), data });
    else if (way < 9) instructions.push({ program: random.pick(OTHERS), accounts: random.below(3), data });
    else instructions.push({ program: VOTE, accounts: 1, data });
  }
  const limited = instructions.some(({ program, data }) => program === BUDGET && data[0] === 2 && data.length >= 5);
  const kept = limited ? instructions : instructions.filter(({ program }) => program !== VOTE);
  return kept
    .map((one) => ({ one, at: random.word() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

/** The signers, the calls, and the account keys with the payer first and the programs last. */
interface Draft {
  readonly signing: readonly Signer[];
  readonly instructions: readonly Instruction[];
  readonly keys: readonly Uint8Array[];
  readonly called: readonly Uint8Array[];
  readonly blockhash: Uint8Array;
}

const header = ({ signing, called }: Draft): number[] => [signing.length, 0, called.length];
const programIndex = ({ keys }: Draft, program: Uint8Array): number => keys.indexOf(program);

function signAll(draft: Draft, message: Uint8Array): number[] {
  return draft.signing.flatMap(({ secret }) => [...sign(null, message, secret)]);
}

function encodeOld(random: Random, draft: Draft, isV0: boolean): Uint8Array {
  const { signing, keys, instructions, blockhash } = draft;
  const body = instructions.flatMap(({ program, accounts, data }) => [
    programIndex(draft, program),
    ...compact(accounts),
    ...Array.from({ length: accounts }, () => random.below(keys.length)),
    ...compact(data.length),
    ...data,
  ]);
  const message = Uint8Array.from([
    ...(isV0 ? [0x80] : []),
    ...header(draft),
    ...compact(keys.length),
    ...keys.flatMap((key) => [...key]),
    ...blockhash,
    ...compact(instructions.length),
    ...body,
    ...(isV0 ? [0] : []),
  ]);
  return Uint8Array.from([...compact(signing.length), ...signAll(draft, message), ...message]);
}

/** Version 1: budgets are config values, and compute-budget instructions mean nothing. */
function encodeV1(random: Random, draft: Draft): Uint8Array {
  const { keys, instructions, blockhash } = draft;
  const has = (chance: number): boolean => random.chance(chance);
  const config = [
    has(0.7) ? little(random.integer(64), 8) : [],
    has(0.8) ? little(random.integer(32), 4) : [],
    // this VM takes an absent loaded-data limit for 0, and then can load no program
    has(0.93) ? little(has(0.03) ? 0n : BigInt(random.between(40_000_000, 2 ** 32 - 1)), 4) : [],
    has(0.3) ? little(BigInt(1_024 * random.between(32, 256)), 4) : [],
  ];
  const mask = [3, 4, 8, 16].reduce((sum, bits, i) => (config[i].length > 0 ? sum | bits : sum), 0);
  const message = Uint8Array.from([
    0x81,
    ...header(draft),
    ...little(BigInt(mask), 4),
    ...blockhash,
    instructions.length,
    keys.length,
    ...keys.flatMap((key) => [...key]),
    ...config.flat(),
    ...instructions.flatMap((one) => [
      programIndex(draft, one.program),
      one.accounts,
      ...little(BigInt(one.data.length), 2),
    ]),
    ...instructions.flatMap(({ accounts, data }) => [
      ...Array.from({ length: accounts }, () => random.below(keys.length)),
      ...data,
    ]),
  ]);
  return Uint8Array.from([...message, ...signAll(draft, message)]);
}

/**
 * A signed transaction.
 * @param signers the first pays; the others sign in some of the cases
 * @param nonce makes it unique, as an account that is named and not used
 */
export function makeSigned(
  random: Random,
  signers: readonly Signer[],
  blockhash: Uint8Array,
  nonce: number,
): Uint8Array {
  const signing = signers.slice(0, random.chance(0.7) ? 1 : random.between(1, signers.length));
  const version = random.below(5);
  const instructions = makeInstructions(random);
  const called = [...new Set(instructions.map(({ program }) => program))];
  const unique = Uint8Array.from({ length: 32 }, (_, i) => (i < 8 ? little(BigInt(nonce), 8)[i] : 0xee));
  const draft = {
    signing,
    instructions,
    called,
    blockhash,
    keys: [...signing.map(({ key }) => key), unique, ...called],
  };
  return version === 4 ? encodeV1(random, draft) : encodeOld(random, draft, version >= 2);
}
