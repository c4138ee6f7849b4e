// The way out: every packet's end passes through here, which counts it and records it. The law (every packet that was taken
// has one end, or is queued) holds because there is no other place that counts an end. A transaction whose packet left
// unsent is forgotten here as well, so that a client's retry is not a duplicate.

import type { Outlet } from "../records/outlet.ts";
import { END_TRANSMITTED, ENDS } from "../shape/ends.ts";
import { NOT_TRANSMITTED } from "../shape/record-layout.ts";
import { STAT, type StatisticName } from "../shape/statistics.ts";
import type { PartialMetas } from "../stores/partial-metas.ts";

/** The statistic's word of each end that is a term of the law, by the end's code. */
const WORDS = new Uint8Array(256);
for (const { code, kind, name } of ENDS) if (kind !== "answer") WORDS[code] = STAT[name as StatisticName];
/** 1 for each end after which the packet may come again. */
const MAY_RETURN = new Uint8Array(256);
for (const { code, mayReturn } of ENDS) MAY_RETURN[code] = mayReturn === true ? 1 : 0;

export class Ends {
  constructor(
    private readonly counters: Float64Array,
    private readonly outlet: Outlet,
    private readonly metas: Pick<PartialMetas, "left">,
  ) {}

  /**
   * A packet ends before it had a score. Its arrival is now.
   * @param end shape/ends.ts
   * @param channel id of the channel that it came on
   */
  refuse(digest: number, end: number, channel: number, now: number): void {
    this.counters[WORDS[end]]++;
    if (this.outlet.fates) this.outlet.refused(digest, end, channel, now);
  }

  /**
   * A packet that had a score ends, at the queue's door, in the queue, or on its way out.
   * @param digest the whole digest, the queue's or the one at the door
   * @param end shape/ends.ts
   */
  close(digest: number, end: number, now: number): void {
    this.counters[WORDS[end]]++;
    if (MAY_RETURN[end] !== 0) this.metas.left(digest);
    if (this.outlet.fates) this.outlet.fate(digest, end, now, end === END_TRANSMITTED ? now : NOT_TRANSMITTED);
  }
}
