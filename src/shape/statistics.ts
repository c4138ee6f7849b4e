// What is counted: the one table of the loop's counters and gauges. The statistics file, the log line, the metrics and the
// test of the law all come from it. To add a counter, add a row here and count it in its place; an end's counter comes from
//  the end's row in shape/ends.ts, and is counted by engine/ends.ts.
//
// Names are persistent: they are metrics, and stand in databases. Don't rename them. Rows may be put anywhere: a reader of
// another build tells by the status page's format that they are not its own (engine/status.ts).

import { ENDS, type LawEndName } from "./ends.ts";

/** `end`: a packet's end, a term of the law; `event`: something counted; `gauge`: a present value. */
export type StatisticKind = "total" | "end" | "event" | "gauge";

export interface Statistic {
  readonly name: string;
  readonly kind: StatisticKind;
  readonly unit:
    | "packets"
    | "signatures"
    | "outcomes"
    | "entries"
    | "senders"
    | "score"
    | "updates"
    | "ms"
    | "turns"
    | "times";
  readonly help: string;
}

/** One for each end that is a term of the law (shape/ends.ts), in the order of the way. */
const END_STATISTICS = ENDS.filter(({ kind }) => kind !== "answer").map(({ name, help }) => ({
  name: name as LawEndName,
  kind: "end" as const,
  unit: "packets" as const,
  help,
}));

const define = <Name extends string>(rows: readonly (Statistic & { readonly name: Name })[]) => rows;

/**
 * The law, which holds whenever the loop is between packets: `totalPackets` is the sum of all rows of kind `end` plus the
 * gauge `queued`.
 */
export const STATISTICS = define([
  { name: "totalPackets", kind: "total", unit: "packets", help: "packets taken from the four packet channels" },
  ...END_STATISTICS,
  { name: "queued", kind: "gauge", unit: "packets", help: "in the queue now, those of an unfinished transmit too" },
  {
    name: "withheld",
    kind: "event",
    unit: "packets",
    help: "kept in the queue by the model's choice at a transmit (evidence)",
  },
  { name: "allowed", kind: "event", unit: "packets", help: "of senders that a list of the operator allows" },
  { name: "simpleVotes", kind: "event", unit: "packets", help: "marked as simple votes by the validator" },
  { name: "votesFirst", kind: "event", unit: "packets", help: "simple votes that were put before everything else" },
  { name: "zeroScore", kind: "event", unit: "packets", help: "scored 0" },
  { name: "sigverifyFeedback", kind: "event", unit: "packets", help: "failed signatures reported by sigverify" },
  { name: "recentSignaturesReceived", kind: "event", unit: "signatures", help: "confirmed signatures received" },
  { name: "completed", kind: "event", unit: "outcomes", help: "outcomes joined with their transaction" },
  {
    name: "unknownOutcomes",
    kind: "event",
    unit: "outcomes",
    help: "outcomes of transactions not (or no longer) known",
  },
  { name: "included", kind: "event", unit: "outcomes", help: "completed outcomes with an execution time" },
  {
    name: "neverIncludable",
    kind: "event",
    unit: "packets",
    help: "accepted, though the chain would refuse them (fee 0)",
  },
  { name: "ipv6Packets", kind: "event", unit: "packets", help: "packets of IPv6 senders" },
  {
    name: "impossibleTails",
    kind: "event",
    unit: "times",
    help: "a channel's tail was one that no producer reaches: it was not used, and the channel was joined anew",
  },
  { name: "transmits", kind: "event", unit: "turns", help: "full choices of what waits, or batches sent" },
  { name: "modelUpdates", kind: "event", unit: "updates", help: "times the model learned from a batch of outcomes" },
  { name: "partialMetas", kind: "gauge", unit: "entries", help: "transactions waiting for their outcome" },
  { name: "partialMetasEvicted", kind: "gauge", unit: "entries", help: "transactions forgotten before their outcome" },
  { name: "sendersEvicted", kind: "gauge", unit: "senders", help: "senders that left the model's full tables" },
  { name: "recentSignatures", kind: "gauge", unit: "entries", help: "signatures in the recent filter" },
  { name: "queueDoor", kind: "gauge", unit: "score", help: "score that a packet must beat to enter the queue" },
  { name: "clockMs", kind: "gauge", unit: "ms", help: "the loop's clock" },
  { name: "turns", kind: "gauge", unit: "turns", help: "turns of the loop" },
] as const);

export type StatisticName = (typeof STATISTICS)[number]["name"];

/** Index of a statistic's word in the status page. */
export const STAT = Object.fromEntries(STATISTICS.map((row, index) => [row.name, index])) as Readonly<
  Record<StatisticName, number>
>;

/** Per channel, in the status page. */
export const CHANNEL_STATISTICS = ["state", "received", "lapped", "torn", "tail", "depth"] as const;
export type ChannelStatisticName = (typeof CHANNEL_STATISTICS)[number];
