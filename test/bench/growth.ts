// Packets/s against what grows: the stores' fill, the model's tables, the senders, a packet's size, the channels in use, the
// share of duplicates. Ours alone, in search of a cliff.

import { pinThread, threadCpuNanos } from "../../ffi/thread.ts";
import { PACKETS_PER_TURN } from "../../src/engine/settings.ts";
import { ADDRESS_AT, AGAVE2_PACKET_BYTES } from "../tools/agave-packet.ts";
import { median } from "./bench.ts";
import { LoadedEngine } from "./loaded-engine.ts";
import { mix32 } from "./mix.ts";
import { packetFile, sizedPackets } from "./packets.ts";

const ROUND = 24_576;
const ROUNDS = 24;
const STORE = 1_048_576;
/** Offset of the fee payer's key in the small mix's payloads. */
const SMALL_PAYER_AT = 69;
const COPIES_FROM = 100_000;

interface Traffic {
  readonly senders?: number;
  readonly channels?: number;
  /** Share of packets that came before, from the same sender. */
  readonly duplicates?: number;
  /** The address and payer are written per packet. */
  readonly payerAt?: number;
}

export interface GrowthRow {
  readonly grows: string;
  readonly at: string;
  readonly nanosPerPacket: number;
  /** Of the best round: what a busy machine disturbs least. */
  readonly leastNanos: number;
}

/** The ring's packets without an allocation: numbered, salted, perhaps a copy of one before. */
class Source {
  #number = 0;
  #state = 0x2545f491;

  constructor(
    private readonly loaded: LoadedEngine,
    private readonly traffic: Traffic,
  ) {}

  #next(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state >>> 0;
  }

  fill(count: number): void {
    const { producers } = this.loaded.plain;
    const { channels = 1, duplicates = 0 } = this.traffic;
    for (let i = 0; i < count; i++) {
      const isCopy = this.#next() < duplicates * 4_294_967_296 && this.#number > 0;
      const back = isCopy ? 1 + (this.#next() % Math.min(COPIES_FROM, this.#number)) : 0;
      this.#write(i % channels, isCopy ? this.#number - back : this.#number);
      if (!isCopy) this.#number += 1;
    }
    for (const producer of producers) producer.sync();
  }

  #write(channel: number, number: number): void {
    const { plain, packetsAt, packetCount } = this.loaded;
    const { arena } = plain;
    const { senders, payerAt } = this.traffic;
    const producer = plain.producers[channel];
    const at = producer.reserve();
    const from = packetsAt + (number % packetCount) * AGAVE2_PACKET_BYTES;
    arena.u8.copyWithin(at, from, from + AGAVE2_PACKET_BYTES);
    arena.view.setUint32(at + 1, mix32(number), true);
    arena.view.setUint32(at + 5, number, true);
    if (senders !== undefined) {
      const sender = mix32(number + 1) % senders;
      arena.view.setUint32(at + ADDRESS_AT, 10 | (sender << 8), true);
      if (payerAt !== undefined) arena.view.setUint32(at + payerAt, sender, true);
    }
    producer.commit();
  }
}

function measureRow(loaded: LoadedEngine, traffic: Traffic): { nanosPerPacket: number; leastNanos: number } {
  const { engine } = loaded.plain;
  const source = new Source(loaded, traffic);
  const channels = traffic.channels ?? 1;
  const rounds: number[] = [];
  loaded.fillQueue();
  for (let round = 0; round < ROUNDS; round++) {
    source.fill(ROUND);
    const start = threadCpuNanos();
    for (let taken = 0; taken < ROUND; taken += channels * PACKETS_PER_TURN) engine.turn(1_000);
    rounds.push((threadCpuNanos() - start) / ROUND);
  }
  const counted = rounds.slice(ROUNDS / 4);
  return { nanosPerPacket: median(counted), leastNanos: Math.min(...counted) };
}

/** @returns the table's rows, printed as they come */
export function growth(cpu: number | undefined): GrowthRow[] {
  const rows: GrowthRow[] = [];
  const { bytes: small } = packetFile("small");
  const { bytes: corpus } = packetFile("corpus");
  const row = (grows: string, at: string, loaded: LoadedEngine, traffic: Traffic = {}): void => {
    const measured = measureRow(loaded, traffic);
    const { nanosPerPacket, leastNanos } = measured;
    rows.push({ grows, at, ...measured });
    const perSecond = (1_000 / nanosPerPacket).toFixed(2);
    const nanos = `${nanosPerPacket.toFixed(0).padStart(8)} ns, least ${leastNanos.toFixed(0).padStart(5)}`;
    console.log(`${grows.padEnd(34)} ${at.padStart(10)} ${nanos}  ${perSecond} M/s`);
  };

  const full = new LoadedEngine({ packets: corpus });
  measureRow(full, {});
  if (cpu !== undefined) pinThread(cpu);
  row("stores' and tables' fill", "100%", full);
  for (const channels of [1, 2, 3, 4]) row("active channels", `${channels}`, full, { channels });
  for (const duplicates of [0, 0.25, 0.5, 0.75, 0.9, 1])
    row("duplicates", `${100 * duplicates}%`, full, { duplicates });

  const transfers = new LoadedEngine({ packets: small });
  for (const senders of [100, 1_000, 10_000, 100_000, 1_000_000])
    row("senders, tables of 10,000", `${senders}`, transfers, { senders, payerAt: SMALL_PAYER_AT });

  const fills: readonly (readonly [number, string])[] = [
    [0.75, "75%"],
    [0.5, "50%"],
    [0.25, "25%"],
    [0, "empty"],
  ];
  for (const [share, name] of fills) {
    // The stores go on filling while they are measured, by half of their capacity.
    const loaded = new LoadedEngine({ packets: corpus, tableFill: 10_000 * share, storeFill: STORE * share });
    row("stores' and tables' fill", `from ${name}`, loaded);
  }
  for (const size of [200, 400, 600, 800, 1_000, 1_232])
    row("payload bytes", `${size}`, new LoadedEngine({ packets: sizedPackets(size) }));
  return rows;
}
