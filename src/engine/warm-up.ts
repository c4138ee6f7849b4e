// Warms the loop's code before the first packet: a small engine over plain memory, of the same classes, is driven through
// every path (accept, refuse, duplicate, push out, transmit, learn, feedback) until the compiler has seen them. Without it
// the first model update takes 9 ms instead of 0.3, and the first transmits are as slow.

import { CONFIRMED_CHANNEL, FAILED_CHANNEL, OUTCOME_CHANNEL } from "../channel/channels.ts";
import {
  ADDRESS_AT,
  ADDRESS_TAG_AT,
  ADDRESS_TAG_IPV6,
  PUBKEY_BYTES,
  SIGNATURE_BYTES,
  SIZE_AT,
} from "../wire/packet-layout.ts";
import { type PlainEngine, type PlainEngineOptions, plainEngine } from "./plain.ts";
import { TRANSMIT_INTERVAL_MS } from "./settings.ts";

/** Small stores: the code is the same, and the caches stay the caller's. */
const SMALL = { partialMetas: 1_024, recentSignatures: 1_024, queueCapacity: 256 };
const SMALL_RING = 256;
const CHANNEL_CAPACITIES = [512, 512, 512, 512, 512, 512, 512, 512];
const PACKETS_PER_ROUND = 256;

const SIGNATURE_AT = 1;
const PAYER_AT = 1 + SIGNATURE_BYTES + 4;
const INSTRUCTIONS_AT = PAYER_AT + 3 * PUBKEY_BYTES;
const TEMPLATE_BYTES = INSTRUCTIONS_AT + 4;

export type WarmUpOptions = Pick<PlainEngineOptions, "layout" | "context" | "engine" | "model">;

/** A small engine of the given settings, to be driven a round at a time: between a real one's first turns, for example. */
export class WarmUp {
  rounds = 0;
  readonly #small: PlainEngine;

  constructor(options: WarmUpOptions) {
    this.#small = plainEngine({
      ...options,
      layout: {
        ...options.layout,
        ...SMALL,
        maxIps: 64,
        maxSigners: 64,
        channelCapacities: CHANNEL_CAPACITIES,
        // Rings of records where the caller has them: their code is on the packets' way, too.
        ...(options.layout.outcomeRecords === undefined ? {} : { outcomeRecords: SMALL_RING }),
        ...(options.layout.fateRecords === undefined ? {} : { fateRecords: SMALL_RING }),
      },
      scratchBytes: 4_096,
    });
  }

  /** Plays one round through every path: some milliseconds at first, a part of one in the end. */
  round(): void {
    playRound(this.#small, this.rounds);
    this.rounds += 1;
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
  do warm.round();
  while (clock() < until);
  return { rounds: warm.rounds, sent: warm.sent };
}

function playRound(small: PlainEngine, round: number): void {
  const { arena, engine, producers, scratchAt } = small;
  const now = round * TRANSMIT_INTERVAL_MS;
  const outcomes = producers[OUTCOME_CHANNEL]!;
  const confirmed = producers[CONFIRMED_CHANNEL]!;
  const failed = producers[FAILED_CHANNEL]!;
  for (let i = 0; i < PACKETS_PER_ROUND; i++) {
    makePacket(small, round * PACKETS_PER_ROUND + i);
    producers[i & 3]!.push(scratchAt);
    if (i % 8 === 0) producers[i & 3]!.push(scratchAt); // a duplicate
    if (i % 32 === 0) failed.push(scratchAt);
    if (i % 4 !== 0) outcomes.push(knownHash(small, i, i % 3 === 0 ? 0 : 40_000 + i));
    if (i % 16 === 0) confirmed.push(scratchAt + SIGNATURE_AT);
  }
  for (const producer of producers) producer.sync();
  for (let turn = 0; turn < 8; turn++) engine.turn(now + turn);
  arena.u8.fill(0, scratchAt, scratchAt + TEMPLATE_BYTES);
}

/** A transaction of one instruction in the scratch packet: another sender, payer and signature for each number. */
function makePacket({ arena, scratchAt }: PlainEngine, number: number): void {
  const { u8, u32 } = arena;
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
  u32[(scratchAt + SIZE_AT) >>> 2] = size;
  u8[scratchAt + ADDRESS_TAG_AT] = number % 7 === 0 ? ADDRESS_TAG_IPV6 : 0;
  u8[scratchAt + ADDRESS_AT] = 10;
  u8[scratchAt + ADDRESS_AT + 3] = number % 59;
}

/** A remaining meta for one of the queue's or the store's transactions. @returns its arena offset */
function knownHash({ arena, scratchAt, layout }: PlainEngine, node: number, nanos: number): number {
  const at = scratchAt + 3_072;
  const meta = layout.partialMetas.nodesAt + (node % layout.partialMetas.capacity) * layout.partialMetas.nodeBytes;
  arena.u8.copyWithin(at, meta, meta + 8);
  arena.u32[(at + 8) >>> 2] = nanos;
  arena.u32[(at + 12) >>> 2] = 0;
  return at;
}
