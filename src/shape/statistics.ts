// What is counted: the one table of the loop's counters and gauges. The statistics file, the log line, the metrics and the
// test of the law all come from it. Adding a counter starts (and, where it is no refusal, ends) with a row here.

/** `end`: a packet's end, a term of the law; `event`: something counted; `gauge`: a present value. */
export type StatisticKind = "total" | "end" | "event" | "gauge";

export interface Statistic {
  readonly name: string;
  readonly kind: StatisticKind;
  readonly unit: "packets" | "signatures" | "outcomes" | "entries" | "senders" | "score" | "updates" | "ms" | "turns";
  readonly help: string;
}

const define = <Name extends string>(rows: readonly (Statistic & { readonly name: Name })[]) => rows;

/**
 * The law, which holds whenever the loop is between packets: `totalPackets` is the sum of all rows of kind `end` plus the
 * gauge `queued`.
 */
export const STATISTICS = define([
  { name: "totalPackets", kind: "total", unit: "packets", help: "packets taken from the four packet channels" },
  { name: "nonIpv4", kind: "end", unit: "packets", help: "refused: the sender's address is of a kind not taken" },
  {
    name: "invalidMetaSize",
    kind: "end",
    unit: "packets",
    help: "refused: it names more bytes than its payload has room for",
  },
  { name: "invalidPacketData", kind: "end", unit: "packets", help: "refused: marked as discarded by the validator" },
  { name: "failedView", kind: "end", unit: "packets", help: "refused: not the structure of a transaction" },
  { name: "failedSanitize", kind: "end", unit: "packets", help: "refused: a transaction that breaks a sanity rule" },
  { name: "denied", kind: "end", unit: "packets", help: "refused: a list of the operator denies its sender" },
  { name: "recentlyProcessed", kind: "end", unit: "packets", help: "refused: its signature was confirmed recently" },
  { name: "duplicatePackets", kind: "end", unit: "packets", help: "refused: seen before from the same sender" },
  {
    name: "duplicatePayloads",
    kind: "end",
    unit: "packets",
    help: "dropped: the same payload went out already (model evidence)",
  },
  {
    name: "leakedPriority",
    kind: "end",
    unit: "packets",
    help: "pushed out of the full queue, or never above its lowest",
  },
  { name: "expired", kind: "end", unit: "packets", help: "left the queue for its age" },
  { name: "recentlyProcessedQueued", kind: "end", unit: "packets", help: "left the queue: confirmed while it waited" },
  { name: "bankingTransmissions", kind: "end", unit: "packets", help: "sent on to sigverify" },
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
  { name: "transmits", kind: "event", unit: "turns", help: "batches sent" },
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
