// An independent engine for comparison: the rules of engine.md told with Maps and sorted arrays, one packet at a time,
// without groups, slices, heaps or kernels. It is given what a packet is (its fee, its hash, its sender) by the test.

export interface SlowPacket {
  /** Unique number of the packet's bytes and sender: what the packet hash stands for. */
  readonly id: string;
  readonly ip: string;
  readonly payer: string;
  readonly signature: string;
  readonly fee: number;
  readonly computeUnits: number;
  readonly verdict: "ok" | "malformed" | "unsanitary" | "nonIpv4" | "size" | "discard";
}

interface Queued {
  readonly packet: SlowPacket;
  readonly score: number;
  readonly sequence: number;
  readonly arrivalMs: number;
}

export interface SlowSettings {
  readonly queueHolds: number;
  readonly metas: number;
  readonly recent: number;
  readonly maxSend: number;
  readonly maxAgeMs: number;
  readonly maxIps: number;
  readonly maxSigners: number;
}

/** A table of scores with a median by sorting (engine.md, 5). */
export class SlowTable {
  readonly scores = new Map<string, number>();

  constructor(readonly limit: number) {}

  get median(): number {
    const sorted = [...this.scores.values()].sort((a, b) => a - b);
    if (sorted.length === 0) return 1;
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  update(batch: readonly (readonly [string, number])[]): void {
    const median = this.median;
    const sums = new Map<string, { sum: number; count: number }>();
    for (const [key, value] of batch) {
      const entry = sums.get(key) ?? { sum: 0, count: 0 };
      entry.sum += value;
      entry.count += 1;
      sums.set(key, entry);
    }
    const fresh = new Map([...sums].filter(([, e]) => e.count >= 5).map(([key, e]) => [key, e.sum / e.count]));
    for (const [key, score] of this.scores) this.scores.set(key, 0.95 * score + 0.05 * (fresh.get(key) ?? median));
    for (const [key, score] of fresh) if (!this.scores.has(key)) this.scores.set(key, score);
    const excess = this.scores.size - this.limit;
    if (excess <= 0) return;
    const rising = [...this.scores].sort((a, b) => a[1] - b[1]);
    for (const [key] of rising.slice(this.limit >> 1, (this.limit >> 1) + excess)) this.scores.delete(key);
  }
}

export class SlowEngine {
  readonly counters: Record<string, number> = {};
  readonly sent: string[] = [];
  readonly ips: SlowTable;
  readonly payers: SlowTable;
  #queue: Queued[] = [];
  #metas = new Map<string, SlowPacket>();
  /** Left the queue unsent: such a packet may come again. */
  readonly #left = new Set<SlowPacket>();
  #recent = new Map<string, true>();
  #batch: { packet: SlowPacket; nanos: number }[] = [];
  #sequence = 0;
  #lastSendMs = Number.NEGATIVE_INFINITY;

  constructor(readonly settings: SlowSettings) {
    this.ips = new SlowTable(settings.maxIps);
    this.payers = new SlowTable(settings.maxSigners);
  }

  get queued(): number {
    return this.#queue.length;
  }

  packet(packet: SlowPacket, nowMs: number): undefined {
    this.#count("totalPackets");
    if (packet.verdict === "nonIpv4") return this.#count("nonIpv4");
    if (packet.verdict === "size") return this.#count("invalidMetaSize");
    if (packet.verdict === "discard") return this.#count("invalidPacketData");
    if (packet.verdict === "malformed") {
      this.#blame(packet.ip);
      return this.#count("failedView");
    }
    if (packet.verdict === "unsanitary") return this.#count("failedSanitize");
    if (this.#recent.has(packet.signature)) return this.#count("recentlyProcessed");
    const known = this.#metas.get(packet.id);
    const own = { ...packet }; // remembered and queued by itself: the same transaction may be queued a second time
    if (known !== undefined) {
      this.#metas.delete(packet.id);
      if (!this.#left.delete(known)) {
        this.#metas.set(packet.id, known);
        return this.#count("duplicatePackets");
      }
    }
    const ip = this.ips.scores.get(packet.ip) ?? this.ips.median;
    const payer = this.payers.scores.get(packet.payer) ?? this.payers.median;
    const score = ip * payer * (packet.fee / Math.max(packet.computeUnits, 1));
    if (score === 0) this.#count("zeroScore");
    this.#queue.push({ packet: own, score, sequence: this.#sequence++, arrivalMs: nowMs });
    this.#queue.sort((a, b) => b.score - a.score || a.sequence - b.sequence);
    const lowest = this.#queue.length > this.settings.queueHolds ? this.#queue.pop() : undefined;
    if (lowest !== undefined) this.#count("leakedPriority");
    if (lowest?.packet === own) return;
    if (this.#metas.size === this.settings.metas) this.#metas.delete(this.#metas.keys().next().value!);
    this.#metas.set(packet.id, own);
    if (lowest !== undefined) this.#left.add(lowest.packet);
  }

  transmit(nowMs: number): void {
    const young = this.#queue.filter((entry) => nowMs - entry.arrivalMs <= this.settings.maxAgeMs);
    if (nowMs - this.#lastSendMs < 100) return;
    this.#count("expired", this.#queue.length - young.length);
    for (const entry of this.#queue) if (!young.includes(entry)) this.#left.add(entry.packet);
    this.#queue = young;
    let sent = 0;
    while (sent < this.settings.maxSend && this.#queue.length > 0) {
      const { packet } = this.#queue.shift()!;
      if (this.#recent.has(packet.signature)) {
        this.#count("recentlyProcessedQueued");
        continue;
      }
      this.sent.push(packet.id);
      sent += 1;
    }
    if (sent > 0) this.#lastSendMs = nowMs;
    this.#count("bankingTransmissions", sent);
  }

  confirmed(signature: string): void {
    this.#count("recentSignaturesReceived");
    this.#recent.delete(signature);
    if (this.#recent.size === this.settings.recent) this.#recent.delete(this.#recent.keys().next().value!);
    this.#recent.set(signature, true);
  }

  failed(ip: string): void {
    this.#count("sigverifyFeedback");
    this.#blame(ip);
  }

  outcome(id: string, nanos: number): undefined {
    const packet = this.#metas.get(id);
    if (packet === undefined) return this.#count("unknownOutcomes");
    this.#metas.delete(id);
    this.#count("completed");
    this.#batch.push({ packet, nanos });
    if (this.#batch.length <= 400) return;
    const value = (e: { packet: SlowPacket; nanos: number }) =>
      e.nanos > 0 ? (e.packet.fee / e.nanos) * 10 : e.packet.fee / 100_000;
    this.ips.update(this.#batch.map((e) => [e.packet.ip, value(e)] as const));
    this.payers.update(this.#batch.map((e) => [e.packet.payer, value(e)] as const));
    this.#batch = [];
    this.#count("modelUpdates");
  }

  #blame(ip: string): void {
    const score = this.ips.scores.get(ip);
    if (score !== undefined) this.ips.scores.set(ip, score * 0.01);
  }

  #count(name: string, by = 1): undefined {
    this.counters[name] = (this.counters[name] ?? 0) + by;
  }
}
