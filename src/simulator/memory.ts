// The simulated validator's memory: the same arena as the sidecar's, with stores as small as they can be (the validator
// needs the channels and the kernel's context alone), and two packets' room behind it.

import { addressOf } from "../../ffi/shared-memory.ts";
import { writeKernelContext } from "../kernel/context.ts";
import { type Kernel, loadKernel } from "../kernel/kernel.ts";
import { Arena } from "../shape/arena.ts";
import {
  COMPUTE_UNITS_AT,
  FEE_AT,
  HASH_AT,
  NEVER_AT,
  PAYER_OFFSET_AT,
  REASON_AT,
  SIGNATURE_COUNT_AT,
  SIGNATURE_OFFSET_AT,
} from "../shape/digest-layout.ts";
import { type ArenaLayout, arenaLayout, HUGE_PAGE_BYTES } from "../shape/layout.ts";
import { type PacketLayout, packetBytes } from "../shape/packet-layouts.ts";

const ENTRIES_MIN = 4;
const ALIGN_BYTES = 64;

export interface DigestSettings {
  readonly xxhashSeed: bigint;
  readonly feeModel: "chain" | "reference";
}

/** Reads packets with the kernel: hash, fee, compute units. One packet at a time; speed does not matter here. */
export class Digests {
  readonly #kernel: Kernel;
  #settings: DigestSettings = { xxhashSeed: 0n, feeModel: "chain" };

  constructor(
    private readonly arena: Arena,
    private readonly contextAt: number,
    private readonly digestAt: number,
    private readonly layout: PacketLayout,
    /** An engine's kernel, whose context is written already. Without it we write a context of our own. */
    kernel?: Kernel,
  ) {
    this.#kernel = kernel ?? loadKernel(arena);
    if (kernel === undefined) this.configure(this.#settings);
  }

  /** Another hash seed, another fee rule. The secret of ids and mixes plays no part here. */
  configure(settings: DigestSettings): void {
    this.#settings = settings;
    const { layout: packetLayout } = this;
    writeKernelContext(this.arena, this.contextAt, {
      ...settings,
      packetLayout,
      secret: new Uint8Array(32),
      ipv6: "64",
    });
  }

  get xxhashSeed(): bigint {
    return this.#settings.xxhashSeed;
  }

  /** Digests the packet at an offset; until the next call the getters tell its fields. @returns its reason, 0 for good */
  read(at: number): number {
    this.#kernel.digest(at, 1, packetBytes(this.layout), this.digestAt, this.contextAt);
    return this.arena.u8[this.digestAt + REASON_AT];
  }

  get hashLow(): number {
    return this.arena.u32[(this.digestAt + HASH_AT) >>> 2];
  }

  get hashHigh(): number {
    return this.arena.u32[(this.digestAt + HASH_AT + 4) >>> 2];
  }

  get fee(): number {
    return this.arena.f64[(this.digestAt + FEE_AT) >>> 3];
  }

  get computeUnits(): number {
    return this.arena.u32[(this.digestAt + COMPUTE_UNITS_AT) >>> 2];
  }

  /** Offset of the first signature in the payload. */
  get signatureOffset(): number {
    return this.arena.u16[(this.digestAt + SIGNATURE_OFFSET_AT) >>> 1];
  }

  get signatures(): number {
    return this.arena.u8[this.digestAt + SIGNATURE_COUNT_AT];
  }

  /** Offset of static key 0 in the payload. */
  get keysOffset(): number {
    return this.arena.u16[(this.digestAt + PAYER_OFFSET_AT) >>> 1];
  }

  /** Whether the chain would refuse it whatever happens. */
  get isNever(): boolean {
    return this.arena.u8[this.digestAt + NEVER_AT] !== 0;
  }
}

export interface ValidatorMemory {
  readonly arena: Arena;
  readonly layout: ArenaLayout;
  readonly packetBytes: number;
  /** Room for a packet that came out, and for one that is written again. */
  readonly deliveredAt: number;
  readonly scratchAt: number;
  readonly digests: Digests;
}

/** Reserves the memory. Channels start on whole huge pages, so that they can be files on such pages. */
export function validatorMemory(packetLayout: PacketLayout): ValidatorMemory {
  const options = {
    packetLayout,
    maxIps: 1,
    maxSigners: 1,
    partialMetas: ENTRIES_MIN,
    recentSignatures: ENTRIES_MIN,
    queueCapacity: ENTRIES_MIN,
  };
  const bytes = packetBytes(packetLayout);
  const room = Math.ceil(bytes / ALIGN_BYTES) * ALIGN_BYTES;
  // One huge page for the move of the channels, one for the packets behind everything.
  const arena = Arena.reserve(arenaLayout(options).bytes + 2 * HUGE_PAGE_BYTES);
  const misaligned = addressOf(arena.memory) % HUGE_PAGE_BYTES;
  const layout = arenaLayout({ ...options, hugeAlignOffset: misaligned === 0 ? 0 : HUGE_PAGE_BYTES - misaligned });
  const deliveredAt = layout.bytes;
  return {
    arena,
    layout,
    packetBytes: bytes,
    deliveredAt,
    scratchAt: deliveredAt + room,
    digests: new Digests(arena, layout.contextAt, deliveredAt + 2 * room, packetLayout),
  };
}
