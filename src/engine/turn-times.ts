// Histograms of the loop's times: powers of two, each cut into four, from 1 microsecond to over a minute. Recording is an
// add to one word of the status page; the longest value is kept exactly.

const SUB_BUCKETS = 4;
const OCTAVES = 26;
const BUCKETS = OCTAVES * SUB_BUCKETS;

/** Words of one histogram: the buckets, then the sum and the longest, both in microseconds. */
export const HISTOGRAM_WORDS = BUCKETS + 2;
const SUM = BUCKETS;
const LONGEST = BUCKETS + 1;

/** `turn`: the time in a turn; `gap`: from one turn's end to the next one's start; `transmit`: a full choice, or a batch. */
export const HISTOGRAMS = ["turn", "gap", "transmit", "straight", "waited"] as const;
export const TURN_HISTOGRAM = 0;
export const GAP_HISTOGRAM = 1;
export const TRANSMIT_HISTOGRAM = 2;
/** From a packet's arrival to its output: sent in the turn in which it arrived (by the turn's clock: 0), or later. */
export const STRAIGHT_HISTOGRAM = 3;
export const WAITED_HISTOGRAM = 4;

/** The bucket of a time in microseconds. */
export function bucketOf(us: number): number {
  if (!(us >= 1)) return 0;
  const whole = us >= 2 ** OCTAVES ? 2 ** OCTAVES - 1 : us;
  const octave = 31 - Math.clz32(whole);
  const sub = Math.floor((whole / 2 ** octave - 1) * SUB_BUCKETS);
  return octave * SUB_BUCKETS + sub;
}

/** A bucket's upper bound in microseconds (exclusive). */
export function bucketEndUs(bucket: number): number {
  return 2 ** Math.floor(bucket / SUB_BUCKETS) * (1 + ((bucket % SUB_BUCKETS) + 1) / SUB_BUCKETS);
}

/** Adds a time to the histogram whose first word is `from`. */
export function record(words: Float64Array, from: number, us: number): void {
  const bucket = from + bucketOf(us);
  words[bucket] = words[bucket] + 1;
  words[from + SUM] = words[from + SUM] + us;
  if (us > words[from + LONGEST]) words[from + LONGEST] = us;
}

/** A histogram by octaves: how many values lie below each bound, as Prometheus wants it. */
export function cumulative(words: readonly number[]): {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly count: number;
  readonly sumUs: number;
} {
  const bounds: number[] = [];
  const counts: number[] = [];
  let count = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    count += words[bucket];
    if ((bucket + 1) % SUB_BUCKETS !== 0) continue;
    bounds.push(bucketEndUs(bucket));
    counts.push(count);
  }
  return { bounds, counts, count, sumUs: words[SUM] };
}

export interface TimesSummary {
  readonly count: number;
  readonly meanUs: number;
  /** Upper bounds of the buckets that hold the quantiles: at most a quarter too high. */
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly longestUs: number;
}

/** Reads a histogram's words as numbers for people. */
export function summarise(words: readonly number[]): TimesSummary {
  let count = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) count += words[bucket];
  const longestUs = words[LONGEST];
  const quantile = (share: number): number => {
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += words[bucket];
      if (count > 0 && seen >= share * count) return Math.min(bucketEndUs(bucket), longestUs);
    }
    return 0;
  };
  return {
    count,
    meanUs: count === 0 ? 0 : words[SUM] / count,
    p50Us: quantile(0.5),
    p99Us: quantile(0.99),
    p999Us: quantile(0.999),
    longestUs,
  };
}
