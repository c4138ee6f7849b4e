// The arena's map: the one place that says where everything lies and how large it is. Nobody else adds numbers to
// addresses. Parts get their region (offsets and capacities) from here; the fields inside a packet, a digest and a
// channel's header have their own homes (shape/packet-layouts.ts, shape/digest-layout.ts, shape/channel-header.ts).

import { channelBytes } from "./channel-header.ts";
import { CHANNELS, capacityOf, elementBytes } from "./channels.ts";
import { DIGEST_BYTES, GROUP, META_BYTES } from "./digest-layout.ts";
import { IDENTITY_BYTES, IDENTITY_PLACES } from "./identity-layout.ts";
import { EVIDENCE_WAYS, NODE_BYTES, NODE_KEY_BYTES, TAG_SET_BYTES } from "./node-layout.ts";
import { PACKET_LAYOUTS, type PacketLayout, packetBytes } from "./packet-layouts.ts";
import { RECORD_BYTES } from "./record-layout.ts";
import { sortScratchBytes } from "./sort-scratch.ts";

export const CACHE_LINE_BYTES = 64;
export const HUGE_PAGE_BYTES = 2 * 1024 * 1024;

/** Entries of the two LRU stores (engine.md, 2 and 8). */
export const PARTIAL_METAS = 1_048_576;
export const RECENT_SIGNATURES = 1_048_576;
/** The queue holds one less between pushes (engine.md, 2). */
export const QUEUE_CAPACITY = 16_384;
/** Rows on top of a score table's limit: each of a batch's 401 transactions may name a key that is not in the table yet. */
export const TABLE_HEADROOM = 512;
/** Entries of an index bucket on average in a full store (kernel/bucket-index.as.ts). */
const BUCKET_MEAN_ENTRIES = 4;
/** A score table's index names a row in 24 bits (rank/reference/score-table.ts). */
export const TABLE_LIMIT_MAX = 2 ** 24 - 1 - TABLE_HEADROOM;
/** Stake table (rank/lists/stake-table.ts): a few thousand validators today. */
export const STAKE_ENTRIES = 16_384;
export const STAKE_HEADER_BYTES = 64;
export const STAKE_SLOT_BYTES = 24;
/** Allow and deny lists (rank/lists/sender-lists.ts). */
export const LIST_ENTRIES = 65_536;
export const LIST_HEADER_BYTES = 2_048;
export const LIST_SLOT_BYTES = 48;
/** Ids of a packet's leaf and port. */
export const EVIDENCE_IDS_BYTES = 16;
/** Nodes of the evidence model: 131,072 in sets of 8, so that proven senders stay under any flood of fresh ones. */
export const EVIDENCE_SETS = 16_384;
/** Lines of 8: payloads (sent ones of a quarter of a minute at 8,000 a second), addresses that wait for a first judgement. */
const PAYLOAD_LINES = 32_768;
const PRESENCE_LINES = 8_192;
/** Kernel context: secrets, settings, program ids, scratch (shape/context-layout.ts). */
export const KERNEL_CONTEXT_BYTES = 16_384;
/** Live counters and gauges of the loop, and their published copy (engine/status.ts). */
export const STATUS_BYTES = 64 * 1024;
/** In the status page: what the main thread knows, behind the loop's words (observe/board.ts). */
export const BOARD_AT = 32_768;
/** Words from the main thread to the loop (engine/mailbox.ts). */
export const MAILBOX_BYTES = 4_096;

/** Numbers of the database's writer, for the main thread (database/writer-status.ts). */
export const WRITER_STATUS_BYTES = 512;

/** A least-recently-used store: nodes in a circular order, an index of one-line buckets, a log of touches. */
export interface LruRegion {
  /** The store's own words (shape/store-layout.ts). */
  readonly stateAt: number;
  readonly capacity: number;
  readonly nodesAt: number;
  readonly nodeBytes: number;
  readonly bucketsAt: number;
  readonly bucketCount: number;
  readonly touchLogAt: number;
  readonly touchLogEntries: number;
}

/** The priority queue: columns of its two heaps, the order of an unfinished transmit, and the slots with digest and packet. */
export interface QueueRegion {
  readonly capacity: number;
  readonly scoresAt: number;
  readonly sequencesAt: number;
  readonly heapSlotsAt: number;
  readonly orderAt: number;
  readonly freeAt: number;
  /** By slot, not by place in the heap: written once a packet, never moved. */
  readonly arrivalsAt: number;
  readonly slotSequencesAt: number;
  /** Columns of entries that are taken out to be scored anew. */
  readonly outScoresAt: number;
  readonly outSequencesAt: number;
  readonly outSlotsAt: number;
  /** The ready heap's columns, an order of them, and the slots of a group that was taken from its top. */
  readonly readyScoresAt: number;
  readonly readySequencesAt: number;
  readonly readySlotsAt: number;
  readonly readyOrderAt: number;
  readonly groupAt: number;
  /** Scratch for the kernel's sort. */
  readonly sortAt: number;
  readonly sortBytes: number;
  /** Slots: the queue's, and as many again for packets of a transmit under way. */
  readonly slotsAt: number;
  readonly slotCount: number;
  readonly slotBytes: number;
}

/** A model's table: sender -> score, with its scores in order (rank/reference/score-table.ts). */
export interface ScoreTableRegion {
  /** Keys that stay after a prune. */
  readonly limit: number;
  readonly rows: number;
  readonly keyBytes: number;
  /** Version and size, for readers on other threads. */
  readonly stateAt: number;
  readonly keysAt: number;
  readonly traitsAt: number;
  /** 16 bytes a row: the key's id (u64) and its score (f64). */
  readonly entriesAt: number;
  /** The scores in rising order, and as much again for the next ones. */
  readonly sortedAt: number;
  readonly spareAt: number;
  readonly batchCountsAt: number;
  readonly batchSumsAt: number;
  /** Rows with a count in this batch, and the old and new scores of those with a fresh one. */
  readonly touchedAt: number;
  readonly freshOldAt: number;
  readonly freshNewAt: number;
  readonly slotsAt: number;
  readonly slotCount: number;
}

/** Two stake tables: one in use, one to build the next in (rank/lists/stake-table.ts). */
export interface StakeRegion {
  readonly tablesAt: readonly [number, number];
  readonly slotCount: number;
}

/** Two tables of the operator's lists: one in use, one to build the next in (rank/lists/sender-lists.ts). */
export interface ListRegion {
  readonly tablesAt: readonly [number, number];
  readonly slotCount: number;
}

/** The evidence model's nodes, in sets (rank/evidence/evidence-table.ts). */
export interface EvidenceRegion {
  readonly sets: number;
  readonly tagsAt: number;
  readonly nodesAt: number;
  /** 16 bytes for each packet of a group: ids made on the way. */
  readonly idsAt: number;
  /** For readers on other threads: what kind of key each node has (u8), and addresses and payers whole (32 bytes each). */
  readonly kindsAt: number;
  readonly keysAt: number;
}

/** A memory of keyed hashes in lines of 8 (rank/evidence). */
export interface LinesRegion {
  readonly at: number;
  readonly lines: number;
}

/** Where a ring of records lies (records/ring.ts). */
export interface RingRegion {
  readonly at: number;
  /** Bytes set aside, whole pages. */
  readonly bytes: number;
  /** Elements, a power of two. */
  readonly capacity: number;
  readonly elementBytes: number;
}

export interface ChannelRegion {
  readonly at: number;
  /** Bytes set aside, whole huge pages. */
  readonly bytes: number;
  readonly capacity: number;
  readonly elementBytes: number;
}

export interface LayoutOptions {
  readonly packetLayout: PacketLayout;
  readonly maxIps: number;
  readonly maxSigners: number;
  /** Arena offsets congruent to this (mod 2 MiB) are 2 MiB aligned in memory; huge-page files need that. */
  readonly hugeAlignOffset?: number;
  /** Smaller stores, for tests and simulations; powers of two. */
  readonly partialMetas?: number;
  readonly recentSignatures?: number;
  readonly queueCapacity?: number;
  /** Records of outcomes that wait for the database's writer; a power of two, or absent. */
  readonly outcomeRecords?: number;
  /** Recent fates that are kept; a power of two, or absent. */
  readonly fateRecords?: number;
  /** The most entries of the allow and deny lists together; absent: no lists. */
  readonly listEntries?: number;
  /** Sets of the evidence model's table, a power of two; for tests. */
  readonly evidenceSets?: number;
  /** The model's name (rank/models.ts): readers of scores on other threads look at its tables. */
  readonly model?: string;
  /** Capacities of the channels by id, for tests (`smallCapacities`); the layout's where absent. */
  readonly channelCapacities?: readonly number[];
}

export interface ArenaLayout {
  readonly options: LayoutOptions;
  readonly contextAt: number;
  readonly statusAt: number;
  readonly mailboxAt: number;
  readonly digestsAt: number;
  readonly scratchPacketAt: number;
  readonly partialMetas: LruRegion;
  readonly recent: LruRegion;
  readonly queue: QueueRegion;
  readonly ips: ScoreTableRegion;
  readonly signers: ScoreTableRegion;
  readonly stakes: StakeRegion;
  readonly lists: ListRegion | undefined;
  readonly evidence: EvidenceRegion;
  /** Offset of the table of identities (shape/identity-layout.ts), if the packet layout has them. */
  readonly identitiesAt: number | undefined;
  readonly payloads: LinesRegion;
  readonly presence: LinesRegion;
  /** Rings of records (records/ring.ts), if there are any. On pages of their own: a file can be laid over them. */
  readonly outcomes: RingRegion | undefined;
  readonly fates: RingRegion | undefined;
  readonly writerStatusAt: number;
  readonly channels: readonly ChannelRegion[];
  /** Arena offset of its end. */
  readonly bytes: number;
}

/** A recent signature: key, links, padding to half a cache line. */
export const RECENT_NODE_BYTES = 32;
const PAGE_BYTES = 65_536;

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;
const powerOfTwoFrom = (value: number): number => 2 ** Math.ceil(Math.log2(value));

/** Hands out offsets, one after the other. */
class Plan {
  constructor(public end: number) {}

  take(bytes: number, align: number = CACHE_LINE_BYTES): number {
    const at = roundUp(this.end, align);
    this.end = at + bytes;
    return at;
  }

  lru(capacity: number, nodeBytes: number): LruRegion {
    const bucketCount = Math.max(2, powerOfTwoFrom(capacity / BUCKET_MEAN_ENTRIES));
    const touchLogEntries = powerOfTwoFrom(2 * capacity);
    return {
      stateAt: this.take(CACHE_LINE_BYTES),
      capacity,
      nodesAt: this.take(capacity * nodeBytes, PAGE_BYTES),
      nodeBytes,
      bucketsAt: this.take(bucketCount * CACHE_LINE_BYTES, PAGE_BYTES),
      bucketCount,
      touchLogAt: this.take(touchLogEntries * 4),
      touchLogEntries,
    };
  }

  queue(capacity: number, layout: PacketLayout): QueueRegion {
    const slotCount = 2 * capacity;
    const slotBytes = roundUp(DIGEST_BYTES + packetBytes(layout), CACHE_LINE_BYTES);
    const sortBytes = sortScratchBytes(capacity);
    return {
      capacity,
      scoresAt: this.take(capacity * 8),
      sequencesAt: this.take(capacity * 8),
      heapSlotsAt: this.take(capacity * 4),
      orderAt: this.take(capacity * 4),
      freeAt: this.take(slotCount * 4),
      arrivalsAt: this.take(slotCount * 8),
      slotSequencesAt: this.take(slotCount * 8),
      outScoresAt: this.take(capacity * 8),
      outSequencesAt: this.take(capacity * 8),
      outSlotsAt: this.take(capacity * 4),
      readyScoresAt: this.take(capacity * 8),
      readySequencesAt: this.take(capacity * 8),
      readySlotsAt: this.take(capacity * 4),
      readyOrderAt: this.take(capacity * 4),
      groupAt: this.take(GROUP * 4),
      sortAt: this.take(sortBytes),
      sortBytes,
      slotsAt: this.take(slotCount * slotBytes, PAGE_BYTES),
      slotCount,
      slotBytes,
    };
  }

  scoreTable(limit: number, keyBytes: number): ScoreTableRegion {
    const rows = limit + TABLE_HEADROOM;
    const slotCount = powerOfTwoFrom(2 * rows);
    return {
      limit,
      rows,
      keyBytes,
      stateAt: this.take(CACHE_LINE_BYTES),
      keysAt: this.take(rows * keyBytes),
      traitsAt: this.take(rows),
      entriesAt: this.take(rows * 16),
      sortedAt: this.take(rows * 8),
      spareAt: this.take(rows * 8),
      batchCountsAt: this.take(rows * 4),
      batchSumsAt: this.take(rows * 8),
      touchedAt: this.take(TABLE_HEADROOM * 4),
      freshOldAt: this.take(TABLE_HEADROOM * 8),
      freshNewAt: this.take(TABLE_HEADROOM * 8),
      slotsAt: this.take(slotCount * 4),
      slotCount,
    };
  }

  stakes(entries: number): StakeRegion {
    const slotCount = powerOfTwoFrom(2 * entries);
    const bytes = STAKE_HEADER_BYTES + slotCount * STAKE_SLOT_BYTES;
    return { tablesAt: [this.take(bytes), this.take(bytes)], slotCount };
  }

  lists(entries: number | undefined): ListRegion | undefined {
    if (entries === undefined) return undefined;
    const slotCount = powerOfTwoFrom(2 * entries);
    const bytes = LIST_HEADER_BYTES + slotCount * LIST_SLOT_BYTES;
    return { tablesAt: [this.take(bytes), this.take(bytes)], slotCount };
  }

  evidence(sets: number): EvidenceRegion {
    const nodes = sets * EVIDENCE_WAYS;
    return {
      sets,
      tagsAt: this.take(sets * TAG_SET_BYTES, PAGE_BYTES),
      nodesAt: this.take(nodes * NODE_BYTES),
      idsAt: this.take(GROUP * EVIDENCE_IDS_BYTES),
      kindsAt: this.take(nodes),
      keysAt: this.take(nodes * NODE_KEY_BYTES),
    };
  }

  lines(lines: number): LinesRegion {
    return { at: this.take(lines * CACHE_LINE_BYTES), lines };
  }

  ring(capacity: number | undefined): RingRegion | undefined {
    if (capacity === undefined) return undefined;
    if (!Number.isInteger(Math.log2(capacity)) || capacity < 4)
      throw new RangeError(`a ring's capacity is not a power of two: ${capacity}`);
    const bytes = roundUp(channelBytes(capacity, RECORD_BYTES), PAGE_BYTES);
    return { at: this.take(bytes, PAGE_BYTES), bytes, capacity, elementBytes: RECORD_BYTES };
  }

  channel(capacity: number, bytes: number, hugeAlignOffset: number): ChannelRegion {
    const size = roundUp(channelBytes(capacity, bytes), HUGE_PAGE_BYTES);
    const at = roundUp(this.end - hugeAlignOffset, HUGE_PAGE_BYTES) + hugeAlignOffset;
    this.end = at + size;
    return { at, bytes: size, capacity, elementBytes: bytes };
  }
}

/**
 * Lays out an arena.
 * @param from arena offset of its first byte; page 0 stays empty, so that offset 0 can mean "none"
 * @throws RangeError if an option is not a valid size
 */
export function arenaLayout(options: LayoutOptions, from = PAGE_BYTES): ArenaLayout {
  const metas = options.partialMetas ?? PARTIAL_METAS;
  const recent = options.recentSignatures ?? RECENT_SIGNATURES;
  const queueCapacity = options.queueCapacity ?? QUEUE_CAPACITY;
  for (const [name, value] of Object.entries({ partialMetas: metas, recentSignatures: recent, queueCapacity })) {
    if (!Number.isInteger(Math.log2(value)) || value < 4)
      throw new RangeError(`${name} is not a power of two: ${value}`);
  }
  for (const [name, value] of Object.entries({ maxIps: options.maxIps, maxSigners: options.maxSigners })) {
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number above 0: ${value}`);
    if (value > TABLE_LIMIT_MAX) throw new RangeError(`${name} is at most ${TABLE_LIMIT_MAX}: ${value}`);
  }
  const plan = new Plan(from);
  const map = {
    options,
    contextAt: plan.take(KERNEL_CONTEXT_BYTES, PAGE_BYTES),
    statusAt: plan.take(STATUS_BYTES, PAGE_BYTES),
    mailboxAt: plan.take(MAILBOX_BYTES, PAGE_BYTES),
    digestsAt: plan.take(GROUP * DIGEST_BYTES),
    scratchPacketAt: plan.take(packetBytes(options.packetLayout)),
    partialMetas: plan.lru(metas, META_BYTES),
    recent: plan.lru(recent, RECENT_NODE_BYTES),
    queue: plan.queue(queueCapacity, options.packetLayout),
    ips: plan.scoreTable(options.maxIps, 8),
    signers: plan.scoreTable(options.maxSigners, 32),
    stakes: plan.stakes(STAKE_ENTRIES),
    lists: plan.lists(options.listEntries),
    evidence: plan.evidence(options.evidenceSets ?? EVIDENCE_SETS),
    identitiesAt: PACKET_LAYOUTS[options.packetLayout].hasRemoteKey
      ? plan.take(IDENTITY_PLACES * IDENTITY_BYTES, PAGE_BYTES)
      : undefined,
    payloads: plan.lines(PAYLOAD_LINES),
    presence: plan.lines(PRESENCE_LINES),
    outcomes: plan.ring(options.outcomeRecords),
    fates: plan.ring(options.fateRecords),
    writerStatusAt: plan.take(WRITER_STATUS_BYTES),
    channels: CHANNELS.map((spec, id) =>
      plan.channel(
        options.channelCapacities?.[id] ?? capacityOf(spec, options.packetLayout),
        elementBytes(spec, options.packetLayout),
        options.hugeAlignOffset ?? 0,
      ),
    ),
  };
  return { ...map, bytes: roundUp(plan.end, HUGE_PAGE_BYTES) };
}
