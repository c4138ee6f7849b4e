// Warms the loop's code before the first packet: a small engine over plain memory, of the same classes, is driven through
// every path (accept, refuse, duplicate, push out, transmit, learn, feedback) until the compiler has seen them. Without it
// the first model update takes 9 ms instead of 0.3, and the first transmits are as slow.
//
// It lies in the real engine's arena and uses its kernel: what the compiler has seen one of, it takes for a constant, and
// with two of them every call into the kernel is dearer (some 4 to 10% of a packet, as long as the process runs).

import {
  CONFIRMED_CHANNEL,
  FAILED_CHANNEL,
  OUTCOME_CHANNEL,
  PACKET_CHANNELS,
  smallCapacities,
} from "../shape/channels.ts";
import { type ArenaLayout, arenaLayout, type LayoutOptions } from "../shape/layout.ts";
import { ADDRESS_TAG_IPV6, PUBKEY_BYTES, SIGNATURE_BYTES } from "../shape/packet-layout.ts";
import { PACKET_LAYOUTS, PACKET_MAX_BYTES } from "../shape/packet-layouts.ts";
import { type PlainEngine, type PlainEngineOptions, plainEngine } from "./plain.ts";
import { CHOICE_INTERVAL_MS } from "./settings.ts";

/** Small stores: the code is the same, and the caches stay the caller's. */
const SMALL = { partialMetas: 1_024, recentSignatures: 1_024, queueCapacity: 256, evidenceSets: 1_024 };
const SMALL_RING = 256;
/** Room for a packet, and for a remaining meta behind it. */
const META_SCRATCH_AT = Math.ceil(PACKET_MAX_BYTES / 64) * 64;
const SCRATCH_BYTES = META_SCRATCH_AT + 64;
const CHANNEL_CAPACITIES = smallCapacities(512);
/** A step's packets: a step takes a few milliseconds when all is cold, a tenth of one in the end. */
const PACKETS_PER_STEP = 32;
const STEPS_PER_ROUND = 8;
/** One that takes, one that finds little. */
const TURNS_PER_STEP = 2;
/** A full choice comes once a round. */
const STEP_MS = CHOICE_INTERVAL_MS / STEPS_PER_ROUND;

const SIGNATURE_AT = 1;
const PAYER_AT = 1 + SIGNATURE_BYTES + 4;
const INSTRUCTIONS_AT = PAYER_AT + 3 * PUBKEY_BYTES;
const TEMPLATE_BYTES = INSTRUCTIONS_AT + 4;

export type WarmUpOptions = Pick<PlainEngineOptions, "layout" | "context" | "engine" | "model" | "within">;

/** @returns arena offset where a warm-up's memory ends that begins behind a layout */
export function endOfWarmUp({ options, bytes }: ArenaLayout): number {
  return arenaLayout(smallOptions(options), bytes).bytes + SCRATCH_BYTES;
}

function smallOptions(options: LayoutOptions): LayoutOptions {
  return {
    ...options,
    ...SMALL,
    maxIps: 64,
    maxSigners: 64,
    channelCapacities: CHANNEL_CAPACITIES,
    // Rings of records where the caller has them: their code is on the packets' way, too.
    ...(options.outcomeRecords === undefined ? {} : { outcomeRecords: SMALL_RING }),
    ...(options.fateRecords === undefined ? {} : { fateRecords: SMALL_RING }),
  };
}

/** A small engine of the given settings, to be driven a step at a time: between a real one's first turns, for example. */
export class WarmUp {
  #steps = 0;
  readonly #small: PlainEngine;

  constructor(options: WarmUpOptions) {
    this.#small = plainEngine({
      ...options,
      layout: smallOptions(options.layout),
      scratchBytes: SCRATCH_BYTES,
    });
  }

  /** Plays a step. A round of them goes through every path. */
  step(): void {
    playStep(this.#small, this.#steps);
    this.#steps += 1;
  }

  /** Whole rounds that were played. */
  get rounds(): number {
    return Math.floor(this.#steps / STEPS_PER_ROUND);
  }

  /** Packets that came out: work that cannot be optimised away. */
  get sent(): number {
    return this.#small.output.loadTail();
  }
}

/**
 * Drives a small engine of the given settings until the time is up.
 * @param clock milliseconds; the caller's, since the engine has none
 */
export function warmUp(
  options: WarmUpOptions,
  clock: () => number,
  budgetMs: number,
): { rounds: number; sent: number } {
  const warm = new WarmUp(options);
  const until = clock() + budgetMs;
  do for (let step = 0; step < STEPS_PER_ROUND; step++) warm.step();
  while (clock() < until);
  return { rounds: warm.rounds, sent: warm.sent };
}

function playStep(small: PlainEngine, step: number): void {
  const { arena, engine, producers, scratchAt } = small;
  const outcomes = producers[OUTCOME_CHANNEL];
  const confirmed = producers[CONFIRMED_CHANNEL];
  const failed = producers[FAILED_CHANNEL];
  const from = step * PACKETS_PER_STEP;
  for (let i = from; i < from + PACKETS_PER_STEP; i++) {
    makePacket(small, i);
    const packets = producers[PACKET_CHANNELS[i % PACKET_CHANNELS.length]];
    packets.push(scratchAt);
    if (i % 8 === 0) packets.push(scratchAt); // a duplicate
    if (i % 32 === 0) failed.push(scratchAt);
    if (i % 4 !== 0) outcomes.push(knownHash(small, i, i % 3 === 0 ? 0 : 40_000 + (i % 256)));
    if (i % 16 === 0) confirmed.push(scratchAt + SIGNATURE_AT);
  }
  for (const producer of producers) producer.sync();
  for (let turn = 0; turn < TURNS_PER_STEP; turn++) engine.turn(step * STEP_MS + turn);
  arena.u8.fill(0, scratchAt, scratchAt + TEMPLATE_BYTES);
}

/** A transaction of one instruction in the scratch packet: another sender, payer and signature for each number. */
function makePacket({ arena, scratchAt, layout }: PlainEngine, number: number): void {
  const { u8, u32 } = arena;
  const { sizeAt, addressTagAt, addressAt } = PACKET_LAYOUTS[layout.options.packetLayout];
  u8.fill(0, scratchAt, scratchAt + TEMPLATE_BYTES);
  u8[scratchAt] = 1;
  u32[(scratchAt >>> 2) + 2] = number + 1; // within the signature
  u8[scratchAt + SIGNATURE_AT + SIGNATURE_BYTES] = 1; // required signatures
  u8[scratchAt + SIGNATURE_AT + SIGNATURE_BYTES + 2] = 1; // read-only unsigned
  u8[scratchAt + SIGNATURE_AT + SIGNATURE_BYTES + 3] = 2; // keys
  u8[scratchAt + PAYER_AT] = number % 61;
  u8[scratchAt + PAYER_AT + PUBKEY_BYTES] = 9; // some program
  u8[scratchAt + INSTRUCTIONS_AT] = 1;
  u8[scratchAt + INSTRUCTIONS_AT + 1] = number % 29 === 0 ? 0 : 1; // a program index of 0 breaks a sanity rule
  const size = number % 31 === 0 ? TEMPLATE_BYTES - 1 : TEMPLATE_BYTES; // cut short: malformed
  u32[(scratchAt + sizeAt) >>> 2] = size;
  u8[scratchAt + addressTagAt] = number % 7 === 0 ? ADDRESS_TAG_IPV6 : 0;
  u8[scratchAt + addressAt] = 10;
  u8[scratchAt + addressAt + 3] = number % 59;
}

/** A remaining meta for one of the queue's or the store's transactions. @returns its arena offset */
function knownHash({ arena, scratchAt, layout }: PlainEngine, node: number, nanos: number): number {
  const at = scratchAt + META_SCRATCH_AT;
  const meta = layout.partialMetas.nodesAt + (node % layout.partialMetas.capacity) * layout.partialMetas.nodeBytes;
  arena.u8.copyWithin(at, meta, meta + 8);
  arena.u32[(at + 8) >>> 2] = nanos;
  arena.u32[(at + 12) >>> 2] = 0;
  return at;
}
