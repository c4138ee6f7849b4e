// Writes the kernel's context (shape/context-layout.ts): the secret of the packet hash, the keys of ids and mixes, the
// settings, and the table of programs that the fee rules know.

import { base58 } from "@scure/base";
import type { Arena } from "../shape/arena.ts";
import * as at from "../shape/context-layout.ts";
import { KERNEL_CONTEXT_BYTES } from "../shape/layout.ts";
import { PACKET_LAYOUTS, type PacketLayout } from "../shape/packet-layouts.ts";
import { packetHashSecret } from "./secret.ts";

export type FeeModel = "chain" | "reference";

export interface KernelSettings {
  readonly packetLayout: PacketLayout;
  readonly feeModel: FeeModel;
  /** IPv6 senders count by their /64, or are dropped. */
  readonly ipv6: "64" | "drop";
  /** u64 seed of the packet hash (wire.md, 5 and 8). */
  readonly xxhashSeed: bigint;
  /** At least 32 random bytes, never shown; the same secret gives the same ids. */
  readonly secret: Uint8Array;
  /** Default compute-unit limits of before SIMD-0170, for old data. */
  readonly preSimd0170?: boolean;
  /** Arena offset of the table of identities (layout.ts: identitiesAt), if the packet layout has them. */
  readonly identitiesAt?: number | undefined;
  /** Leaves the payload's keyed hash out; for models that do not ask for it. */
  readonly skipPayloads?: boolean;
}

const SECRET_MIN_BYTES = 32;

const { PROGRAM_BUDGET, PROGRAM_BUILTIN, PROGRAM_PRECOMPILE } = at;

/** Programs that fees depend on (engine.md, 4; built-in costs since SIMD-0170). */
export const PROGRAMS: readonly { readonly name: string; readonly id: string; readonly traits: number }[] = [
  {
    name: "compute budget",
    id: "ComputeBudget111111111111111111111111111111",
    traits: PROGRAM_BUDGET | PROGRAM_BUILTIN,
  },
  { name: "system", id: "11111111111111111111111111111111", traits: PROGRAM_BUILTIN },
  { name: "vote", id: "Vote111111111111111111111111111111111111111", traits: PROGRAM_BUILTIN },
  { name: "BPF loader, deprecated", id: "BPFLoader1111111111111111111111111111111111", traits: PROGRAM_BUILTIN },
  { name: "BPF loader", id: "BPFLoader2111111111111111111111111111111111", traits: PROGRAM_BUILTIN },
  { name: "BPF loader, upgradeable", id: "BPFLoaderUpgradeab1e11111111111111111111111", traits: PROGRAM_BUILTIN },
  { name: "loader v4", id: "LoaderV411111111111111111111111111111111111", traits: PROGRAM_BUILTIN },
  {
    name: "ed25519",
    id: "Ed25519SigVerify111111111111111111111111111",
    traits: PROGRAM_BUILTIN | PROGRAM_PRECOMPILE,
  },
  {
    name: "secp256k1",
    id: "KeccakSecp256k11111111111111111111111111111",
    traits: PROGRAM_BUILTIN | PROGRAM_PRECOMPILE,
  },
  { name: "secp256r1", id: "Secp256r1SigVerify1111111111111111111111111", traits: PROGRAM_PRECOMPILE },
];

/**
 * Writes a context.
 * @param contextAt KERNEL_CONTEXT_BYTES, 16-byte aligned (layout.contextAt)
 * @throws RangeError if the secret is shorter than 32 bytes
 */
export function writeKernelContext(arena: Arena, contextAt: number, settings: KernelSettings): void {
  if (settings.secret.length < SECRET_MIN_BYTES) {
    throw new RangeError(
      `the engine's secret has ${settings.secret.length} bytes, and ${SECRET_MIN_BYTES} are the least`,
    );
  }
  const bytes = arena.u8.subarray(contextAt, contextAt + KERNEL_CONTEXT_BYTES);
  bytes.fill(0);
  bytes.set(packetHashSecret(settings.xxhashSeed), at.XXH3_SECRET_AT);
  arena.view.setUint32(contextAt + at.PAYLOAD_ROOM_AT, PACKET_LAYOUTS[settings.packetLayout].payloadMaxBytes, true);
  arena.view.setUint32(contextAt + at.IDENTITIES_AT, settings.identitiesAt ?? 0, true);
  bytes[at.REFERENCE_FEES_AT] = settings.feeModel === "reference" ? 1 : 0;
  bytes[at.PRE_SIMD_0170_AT] = settings.preSimd0170 === true ? 1 : 0;
  bytes[at.DROP_IPV6_AT] = settings.ipv6 === "drop" ? 1 : 0;
  bytes[at.SKIP_PAYLOADS_AT] = settings.skipPayloads === true ? 1 : 0;
  bytes.set(expandSecret(settings.secret, "ids and mixes", at.KEYS_BYTES), at.KEYS_AT);
  bytes.set(expandSecret(settings.secret, "payloads", at.PAYLOAD_KEYS_BYTES), at.PAYLOAD_KEYS_AT);
  writePrograms(arena.view, contextAt, bytes);
}

/** Key bytes of any number: HMAC-SHA-512 in counter mode. (node:crypto would cost the start 7 ms of loading.) */
function expandSecret(secret: Uint8Array, use: string, byteCount: number): Uint8Array {
  const keys = new Uint8Array(byteCount);
  for (let done = 0, block = 0; done < byteCount; block += 1) {
    const hash = new Bun.CryptoHasher("sha512", secret).update(`${use} ${block}`).digest();
    const part = hash.subarray(0, byteCount - done);
    keys.set(part, done);
    done += part.length;
  }
  return keys;
}

/** Finds a multiplier that gives each known program a slot of its own, and fills the slots. */
function writePrograms(view: DataView, contextAt: number, bytes: Uint8Array): void {
  const programs = PROGRAMS.map(({ id, traits }) => ({ key: base58.decode(id), traits }));
  const firstWords = programs.map(({ key }) => new DataView(key.buffer, key.byteOffset).getBigUint64(0, true));
  const slotsOf = (multiplier: bigint): number[] =>
    firstWords.map((word) => Number(BigInt.asUintN(64, word * multiplier) >> BigInt(64 - at.PROGRAM_SLOT_BITS)));
  let multiplier = 0x9e3779b97f4a7c15n;
  while (new Set(slotsOf(multiplier)).size < programs.length) {
    multiplier = BigInt.asUintN(64, multiplier * 6364136223846793005n + 2n) | 1n;
  }
  view.setBigUint64(contextAt + at.PROGRAM_MULTIPLIER_AT, multiplier, true);
  const slots = slotsOf(multiplier);
  for (const [index, { key, traits }] of programs.entries()) {
    const slotAt = at.PROGRAMS_AT + slots[index] * at.PROGRAM_SLOT_BYTES;
    bytes.set(key, slotAt);
    view.setUint32(contextAt + slotAt + at.PROGRAM_TRAITS_AT, traits, true);
  }
}
