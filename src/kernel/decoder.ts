// Reads single transactions with the kernel and says in words what they hold: for commands and reports, not for the loop.
// It has a small arena of its own.

import { base58 } from "@scure/base";
import { Arena } from "../shape/arena.ts";
import * as digest from "../shape/digest-layout.ts";
import { KERNEL_CONTEXT_BYTES } from "../shape/layout.ts";
import { ADDRESS_TAG_IPV4, ADDRESS_TAG_IPV6, PUBKEY_BYTES, SIGNATURE_BYTES } from "../shape/packet-layout.ts";
import { PACKET_LAYOUTS, PACKET_MAX_BYTES, type PacketLayout, type PacketShape } from "../shape/packet-layouts.ts";
import { MALFORMED_OVERSIZED, REASON_GOOD } from "../shape/reason-codes.ts";
import { type FeeModel, writeKernelContext } from "./context.ts";
import { type Kernel, loadKernel } from "./kernel.ts";

export interface DecoderOptions {
  readonly feeModel: FeeModel;
  /** Default compute-unit limits of before SIMD-0170. */
  readonly preSimd0170: boolean;
  readonly packetLayout: PacketLayout;
  /** u64; without it packet hashes are keyed with seed 0. */
  readonly xxhashSeed?: bigint | undefined;
}

export type TransactionVersion = "legacy" | 0 | 1;

/** What a good transaction says. */
export interface Transaction {
  readonly version: TransactionVersion;
  /** base58 */
  readonly feePayer: string;
  readonly signatures: number;
  /** The effective one under the fee rule. */
  readonly computeUnitLimit: number;
  /** Micro-lamports. */
  readonly computeUnitPrice: bigint;
  /** Lamports; 0 for what the chain never includes. */
  readonly fee: bigint;
  /** The first signature in base58: the name that explorers know the transaction by. */
  readonly signature: string;
  /** 16 hex digits of the u64. */
  readonly signatureKey: string;
  /** 16 hex digits of the u64. */
  readonly packetHash: string;
  /** Reason code why the chain never includes it, or 0. */
  readonly never: number;
}

const CONTEXT_AT = 0;
const PACKET_AT = KERNEL_CONTEXT_BYTES;
const DIGEST_AT = PACKET_AT + Math.ceil(PACKET_MAX_BYTES / 64) * 64;
/** Ids and mixes are not shown, so no secret is needed. */
const NO_SECRET = new Uint8Array(32);
const NO_SENDER = new Uint8Array(4);
const IPV4_OCTETS = 4;

export class TransactionDecoder {
  readonly #arena = Arena.reserve(DIGEST_AT + digest.DIGEST_BYTES);
  readonly #kernel: Kernel = loadKernel(this.#arena);
  readonly #packet: PacketShape;

  constructor(options: DecoderOptions) {
    this.#packet = PACKET_LAYOUTS[options.packetLayout];
    writeKernelContext(this.#arena, CONTEXT_AT, {
      packetLayout: options.packetLayout,
      xxhashSeed: options.xxhashSeed ?? 0n,
      secret: NO_SECRET,
      feeModel: options.feeModel,
      preSimd0170: options.preSimd0170,
      ipv6: "64",
    });
  }

  /**
   * Reads the wire bytes of one transaction.
   * @param octets the sender's address, 4 or 16 octets, which the packet hash needs
   * @returns the transaction, or the code of the reason why the bytes are not one
   */
  decode(bytes: Uint8Array, octets: Uint8Array = NO_SENDER): Transaction | number {
    const packet = this.#packet;
    if (bytes.length > packet.payloadMaxBytes) return MALFORMED_OVERSIZED;
    const { u8, view } = this.#arena;
    u8.fill(0, PACKET_AT, PACKET_AT + packet.bytes);
    u8.set(bytes, PACKET_AT);
    view.setBigUint64(PACKET_AT + packet.sizeAt, BigInt(bytes.length), true);
    const isIpv4 = octets.length === IPV4_OCTETS;
    u8[PACKET_AT + packet.addressTagAt] = isIpv4 ? ADDRESS_TAG_IPV4 : ADDRESS_TAG_IPV6;
    u8.set(octets, PACKET_AT + packet.addressAt);
    this.#kernel.digest(PACKET_AT, 1, packet.bytes, DIGEST_AT, CONTEXT_AT);
    const reason = u8[DIGEST_AT + digest.REASON_AT];
    return reason === REASON_GOOD ? this.#transaction(bytes) : reason;
  }

  #transaction(bytes: Uint8Array): Transaction {
    const { u8, view } = this.#arena;
    const u64 = (fieldAt: number): bigint => view.getBigUint64(DIGEST_AT + fieldAt, true);
    const hex = (fieldAt: number): string => u64(fieldAt).toString(16).padStart(16, "0");
    const payerAt = DIGEST_AT + digest.PAYER_KEY_AT;
    const version = versionOf(u8[DIGEST_AT + digest.VERSION_AT]);
    const signatures = u8[DIGEST_AT + digest.SIGNATURE_COUNT_AT];
    // Version 1 has its signatures behind the message (SIMD-0385), the others before it, behind a count of one byte.
    const signatureAt = version === 1 ? bytes.length - signatures * SIGNATURE_BYTES : 1;
    return {
      version,
      feePayer: base58.encode(u8.slice(payerAt, payerAt + PUBKEY_BYTES)),
      signatures,
      computeUnitLimit: view.getUint32(DIGEST_AT + digest.COMPUTE_UNITS_AT, true),
      computeUnitPrice: u64(digest.PRICE_AT),
      fee: u64(digest.FEE_LAMPORTS_AT),
      signature: base58.encode(bytes.slice(signatureAt, signatureAt + SIGNATURE_BYTES)),
      signatureKey: hex(digest.SIGNATURE_KEY_AT),
      packetHash: hex(digest.HASH_AT),
      never: u8[DIGEST_AT + digest.NEVER_AT],
    };
  }
}

function versionOf(code: number): TransactionVersion {
  if (code === digest.VERSION_LEGACY) return "legacy";
  return code === digest.VERSION_1 ? 1 : 0;
}
