// The kernel over a small arena, with packets written by name and digests read by name.

import { readFileSync } from "node:fs";
import { type KernelSettings, writeKernelContext } from "../../src/kernel/context.ts";
import { loadKernel } from "../../src/kernel/kernel.ts";
import { Arena } from "../../src/shape/arena.ts";
import * as D from "../../src/shape/digest-layout.ts";
import { PACKET_LAYOUTS, type PacketShape } from "../../src/shape/packet-layouts.ts";

export const CONTEXT_AT = 0;
export const DIGEST_AT = 16_384;
export const PACKET_AT = 32_768;
export const FREE_AT = 65_536;
export const SECRET = Uint8Array.from({ length: 32 }, (_, i) => 3 * i + 1);

export const SETTINGS: KernelSettings = {
  packetLayout: "agave2",
  xxhashSeed: 420n,
  secret: SECRET,
  feeModel: "chain",
  ipv6: "64",
};

export interface PacketFields {
  readonly payload: Uint8Array;
  /** 0 = IPv4, 1 = IPv6. */
  readonly tag?: number;
  readonly octets?: ArrayLike<number>;
  readonly port?: number;
  readonly flags?: number;
  readonly size?: bigint;
  /** What stands in every byte that means nothing. */
  readonly garbage?: number;
  readonly packetBytes?: number;
}

export interface Digest {
  readonly reason: number;
  readonly hash: bigint;
  readonly hashMix: bigint;
  readonly signatureKey: bigint;
  readonly signatureMix: bigint;
  readonly payloadMix: bigint;
  readonly ipId: bigint;
  readonly ipKey: bigint;
  readonly payerId: bigint;
  readonly payerKey: string;
  readonly fee: number;
  readonly lamports: bigint;
  readonly computeUnits: number;
  readonly price: bigint;
  readonly traits: number;
  readonly never: number;
  readonly version: number;
  readonly signatureCount: number;
  readonly port: number;
  readonly flags: number;
  readonly size: number;
  readonly payerOffset: number;
  readonly signatureOffset: number;
}

export class KernelRig {
  readonly arena = Arena.reserve(4 << 20);
  readonly kernel = loadKernel(this.arena);

  shape: PacketShape = PACKET_LAYOUTS[SETTINGS.packetLayout];

  constructor(settings: Partial<KernelSettings> = {}) {
    this.configure(settings);
  }

  configure(settings: Partial<KernelSettings> = {}): void {
    const all = { ...SETTINGS, ...settings };
    this.shape = PACKET_LAYOUTS[all.packetLayout];
    writeKernelContext(this.arena, CONTEXT_AT, all);
  }

  u64(at: number): bigint {
    return this.arena.view.getBigUint64(at, true);
  }

  writePacket(at: number, fields: PacketFields): void {
    const { u8, view } = this.arena;
    const { bytes, sizeAt, addressTagAt, addressAt, portAt, flagsAt } = this.shape;
    const octets = fields.octets ?? [10, 20, 30, 40];
    u8.fill(fields.garbage ?? 0, at, at + (fields.packetBytes ?? bytes));
    u8.set(fields.payload, at);
    view.setBigUint64(at + sizeAt, fields.size ?? BigInt(fields.payload.length), true);
    u8[at + addressTagAt] = fields.tag ?? (octets.length === 16 ? 1 : 0);
    u8.set(octets, at + addressAt);
    view.setUint16(at + portAt, fields.port ?? 0, true);
    u8[at + flagsAt] = fields.flags ?? 0;
  }

  /** Digests what lies at PACKET_AT. */
  digestAgain(packetBytes: number = this.shape.bytes): void {
    this.kernel.digest(PACKET_AT, 1, packetBytes, DIGEST_AT, CONTEXT_AT);
  }

  digest(fields: PacketFields): Digest {
    this.writePacket(PACKET_AT, fields);
    this.digestAgain(fields.packetBytes);
    return this.read();
  }

  get reason(): number {
    return this.arena.u8[DIGEST_AT + D.REASON_AT];
  }

  get lamports(): bigint {
    return this.u64(DIGEST_AT + D.FEE_LAMPORTS_AT);
  }

  get computeUnits(): number {
    return this.arena.view.getUint32(DIGEST_AT + D.COMPUTE_UNITS_AT, true);
  }

  get price(): bigint {
    return this.u64(DIGEST_AT + D.PRICE_AT);
  }

  get never(): number {
    return this.arena.u8[DIGEST_AT + D.NEVER_AT];
  }

  /** A copy. */
  bytes(at: number = DIGEST_AT, count: number = D.DIGEST_BYTES): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.arena.u8.subarray(at, at + count));
  }

  read(at: number = DIGEST_AT): Digest {
    const { u8, view } = this.arena;
    const u64 = (fieldAt: number): bigint => this.u64(at + fieldAt);
    return {
      reason: u8[at + D.REASON_AT],
      hash: u64(D.HASH_AT),
      hashMix: u64(D.HASH_MIX_AT),
      signatureKey: u64(D.SIGNATURE_KEY_AT),
      signatureMix: u64(D.SIGNATURE_MIX_AT),
      payloadMix: u64(D.PAYLOAD_MIX_AT),
      ipId: u64(D.IP_ID_AT),
      ipKey: u64(D.IP_KEY_AT),
      payerId: u64(D.PAYER_ID_AT),
      payerKey: this.bytes(at + D.PAYER_KEY_AT, 32).toHex(),
      fee: view.getFloat64(at + D.FEE_AT, true),
      lamports: u64(D.FEE_LAMPORTS_AT),
      computeUnits: view.getUint32(at + D.COMPUTE_UNITS_AT, true),
      price: u64(D.PRICE_AT),
      traits: u8[at + D.TRAITS_AT],
      never: u8[at + D.NEVER_AT],
      version: u8[at + D.VERSION_AT],
      signatureCount: u8[at + D.SIGNATURE_COUNT_AT],
      port: view.getUint16(at + D.PORT_COPY_AT, true),
      flags: u8[at + D.PACKET_FLAGS_AT],
      size: view.getUint32(at + D.SIZE_COPY_AT, true),
      payerOffset: view.getUint16(at + D.PAYER_OFFSET_AT, true),
      signatureOffset: view.getUint16(at + D.SIGNATURE_OFFSET_AT, true),
    };
  }
}

export const hex16 = (value: bigint): string => value.toString(16).padStart(16, "0");

function fixture(name: string): unknown[] {
  const text = readFileSync(new URL(`../fixtures/${name}`, import.meta.url), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

export interface CorpusLine {
  readonly tx: string;
  readonly version: "legacy" | 0;
  readonly fee: number;
}

export interface Mutation {
  readonly tx: number;
  readonly ops: readonly (readonly [string, number, number?])[];
  readonly verdict: "view" | "sanitize" | { cus: number; fee: string; key: string; sigs: number };
}

/** A transaction with what the crates of Agave 4.2.0 say of it: fee, limits, and its locks under a limit of 128. */
export interface AgaveCase {
  readonly name: string;
  readonly tx: string;
  readonly agave_4_2_0: { readonly fee: number; readonly cu: number; readonly locks128: string; readonly sigs: number };
}

export const agaveCases = (): AgaveCase[] => fixture("agave/transactions.jsonl") as AgaveCase[];
export const corpusLines = (): CorpusLine[] => fixture("corpus/mainnet-254170887.jsonl") as CorpusLine[];
export const corpus = (): Uint8Array[] => corpusLines().map(({ tx }) => Uint8Array.fromBase64(tx));
export const vectors = <T>(name: string): T[] => fixture(`vectors/${name}.jsonl`) as T[];
