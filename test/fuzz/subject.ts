// What our kernel makes of payloads: the digest under both fee rules.

import { writeKernelContext } from "../../src/kernel/context.ts";
import { type Kernel, loadKernel } from "../../src/kernel/kernel.ts";
import { Arena } from "../../src/shape/arena.ts";
import {
  COMPUTE_UNITS_AT,
  DIGEST_BYTES,
  FEE_LAMPORTS_AT,
  GROUP,
  NEVER_AT,
  PAYER_KEY_AT,
  PAYER_OFFSET_AT,
  REASON_AT,
  SIGNATURE_COUNT_AT,
  SIGNATURE_OFFSET_AT,
  VERSION_AT,
} from "../../src/shape/digest-layout.ts";
import { KERNEL_CONTEXT_BYTES } from "../../src/shape/layout.ts";
import { PACKET_LAYOUTS } from "../../src/shape/packet-layouts.ts";

const CHAIN_AT = 65_536;
const REFERENCE_AT = CHAIN_AT + KERNEL_CONTEXT_BYTES;
const PACKETS_AT = REFERENCE_AT + KERNEL_CONTEXT_BYTES;
const { bytes: PACKET_BYTES, sizeAt: SIZE_AT, addressAt: ADDRESS_AT } = PACKET_LAYOUTS.large;
const DIGESTS_AT = PACKETS_AT + (GROUP + 1) * PACKET_BYTES;
const GARBAGE = 0xa5;
const SEED = 420n;

export interface Digest {
  readonly reason: number;
  readonly version: number;
  readonly signatures: number;
  readonly signatureAt: number;
  readonly payerAt: number;
  readonly payer: Uint8Array;
  readonly fee: bigint;
  readonly computeUnits: number;
  readonly never: number;
}

export class Subject {
  readonly #arena = Arena.reserve(DIGESTS_AT + 65_536);
  readonly #kernel: Kernel = loadKernel(this.#arena);

  constructor() {
    const secret = new Uint8Array(32).fill(7);
    const shared = { packetLayout: "large", xxhashSeed: SEED, secret, ipv6: "64" } as const;
    writeKernelContext(this.#arena, CHAIN_AT, { ...shared, feeModel: "chain" });
    writeKernelContext(this.#arena, REFERENCE_AT, { ...shared, feeModel: "reference" });
  }

  /** Digests at most GROUP payloads. The buffer's unused bytes hold garbage, as in a real ring. */
  digest(payloads: readonly Uint8Array[], rule: "chain" | "reference"): Digest[] {
    const { u8, view } = this.#arena;
    if (payloads.length > GROUP) throw new RangeError(`${payloads.length} payloads at once`);
    for (const [i, payload] of payloads.entries()) {
      const at = PACKETS_AT + i * PACKET_BYTES;
      u8.fill(GARBAGE, at, at + PACKET_BYTES);
      u8.set(payload, at);
      view.setBigUint64(at + SIZE_AT, BigInt(payload.length), true);
      u8.fill(0, at + SIZE_AT + 8, at + PACKET_BYTES);
      u8.set([10, 0, 0, 1], at + ADDRESS_AT);
    }
    const context = rule === "chain" ? CHAIN_AT : REFERENCE_AT;
    this.#kernel.digest(PACKETS_AT, payloads.length, PACKET_BYTES, DIGESTS_AT, context);
    return payloads.map((_, i) => this.#read(DIGESTS_AT + i * DIGEST_BYTES));
  }

  #read(at: number): Digest {
    const { u8, view } = this.#arena;
    return {
      reason: u8[at + REASON_AT],
      version: u8[at + VERSION_AT],
      signatures: u8[at + SIGNATURE_COUNT_AT],
      signatureAt: view.getUint16(at + SIGNATURE_OFFSET_AT, true),
      payerAt: view.getUint16(at + PAYER_OFFSET_AT, true),
      payer: u8.slice(at + PAYER_KEY_AT, at + PAYER_KEY_AT + 32),
      fee: view.getBigUint64(at + FEE_LAMPORTS_AT, true),
      computeUnits: view.getUint32(at + COMPUTE_UNITS_AT, true),
      never: u8[at + NEVER_AT],
    };
  }
}
