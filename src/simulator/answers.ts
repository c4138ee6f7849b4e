// The validator's answers, written as it writes them: failed packets, outcomes, confirmed signatures.

import type { Producer } from "../channel/producer.ts";
import { SIGNATURE_BYTES } from "../shape/packet-layout.ts";
import type { ValidatorMemory } from "./memory.ts";
import type { Packets } from "./packet-maker.ts";
import type { Answers } from "./validator.ts";
import { SIGNATURE_AT } from "./wire-template.ts";

const TWO_32 = 4_294_967_296;

export interface AnswerChannels {
  failed: Producer | null;
  outcomes: Producer | null;
  confirmed: Producer | null;
}

/** Writes answers into channels; a channel that is not there gets none. */
export class ChannelAnswers implements Answers {
  constructor(
    private readonly memory: Pick<ValidatorMemory, "arena" | "scratchAt" | "digests">,
    private readonly packets: Packets,
    private readonly channels: AnswerChannels,
  ) {}

  failed(transaction: number, address: number): void {
    const { failed } = this.channels;
    if (failed === null) return;
    this.packets.write(this.memory.arena, failed.reserve(), transaction, address);
    failed.commit();
  }

  outcome(transaction: number, address: number, nanos: number): void {
    const { outcomes } = this.channels;
    if (outcomes === null) return;
    const { arena, scratchAt, digests } = this.memory;
    this.packets.write(arena, scratchAt, transaction, address);
    digests.read(scratchAt);
    const word = outcomes.reserve() >>> 2;
    arena.u32[word] = digests.hashLow;
    arena.u32[word + 1] = digests.hashHigh;
    arena.u32[word + 2] = nanos % TWO_32;
    arena.u32[word + 3] = nanos / TWO_32;
    outcomes.commit();
  }

  confirmed(transaction: number): void {
    const { confirmed } = this.channels;
    if (confirmed === null) return;
    const { arena, scratchAt } = this.memory;
    const { maker } = this.packets;
    maker.writePayload(arena, scratchAt, transaction);
    const from = scratchAt + (maker.signatureAt?.(transaction) ?? SIGNATURE_AT);
    arena.u8.copyWithin(confirmed.reserve(), from, from + SIGNATURE_BYTES);
    confirmed.commit();
  }

  /** Publishes what was written. */
  sync(): void {
    this.channels.failed?.sync();
    this.channels.outcomes?.sync();
    this.channels.confirmed?.sync();
  }
}
