// A packet arrives: it is scored by what is known of its sender, without settling anything, and its payload is noted.

import type { Toucher } from "../../kernel/kernel.ts";
import { DIGEST_BYTES, IP_ID_AT, PAYER_ID_AT, PAYLOAD_MIX_AT } from "../../shape/digest-layout.ts";
import { EVIDENCE_IDS_BYTES } from "../../shape/layout.ts";
import { SCORE_OF_COPY, SCORE_OF_SIBLING } from "../chooser.ts";
import { COPY_WORTH } from "./constants.ts";
import { COPY_NONE, COPY_OF_ANOTHER, COPY_SENT } from "./copies.ts";
import type { GroupIds } from "./group-ids.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Look, Looker } from "./look.ts";
import { NONCE_USED } from "./nonces.ts";
import type { Worth } from "./worth.ts";

export class Arrival {
  /** Whether the payload of the packet that was scored last was not seen before. */
  #isFirst = false;

  constructor(
    private readonly knowledge: Knowledge,
    private readonly looker: Looker,
    private readonly worth: Worth,
    private readonly ids: GroupIds,
  ) {}

  /** Loads what `score` will read for a group. @returns anything that depends on the loads */
  touch(toucher: Toucher, digestsAt: number, count: number): number {
    const { table, copies } = this.knowledge;
    const { at } = this.ids;
    for (let i = 0; i < count; i++) this.ids.note(i, digestsAt + i * DIGEST_BYTES);
    return (
      table.touch(toucher, digestsAt + PAYER_ID_AT, DIGEST_BYTES, count) +
      table.touch(toucher, digestsAt + IP_ID_AT, DIGEST_BYTES, count) +
      table.touch(toucher, at, EVIDENCE_IDS_BYTES, count) +
      copies.memory.touch(toucher, digestsAt + PAYLOAD_MIX_AT, DIGEST_BYTES, count) +
      table.touchNodes(toucher, digestsAt + PAYER_ID_AT, DIGEST_BYTES, count) +
      table.touchNodes(toucher, at, EVIDENCE_IDS_BYTES, count)
    );
  }

  /** @param look is filled in, but where the packet is a copy of one that was sent @returns its score, or SCORE_OF_ */
  score(look: Look, at: number): number {
    const copy = this.knowledge.copies.of(at);
    if (copy === COPY_SENT) return SCORE_OF_COPY;
    if (this.knowledge.nonces.of(at, this.knowledge.nowMs, true) === NONCE_USED) return SCORE_OF_SIBLING;
    this.looker.quickly(look, at);
    this.#isFirst = copy === COPY_NONE;
    return this.worth.of(look, at) * (copy === COPY_OF_ANOTHER ? COPY_WORTH : 1);
  }

  /** Notes the payload of the packet that was scored last. */
  arrived(at: number): void {
    if (this.#isFirst) this.knowledge.copies.add(at);
  }
}
