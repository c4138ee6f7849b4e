// How long the loop's turns take: a saturated engine with everything on (packets on all four channels, transmits, outcomes
// and model updates, confirmed signatures, failed packets), each turn timed in the thread's own CPU time. A spin of the
// same thread stands beside it: on a shared machine the wall clock stops for both, and what the spin's CPU time shows is what
// the machine itself does to a thread. And how much the heap grew, with no collection in between.

import { heapStats } from "bun:jsc";
import { pinThread, threadCpuNanos } from "../../ffi/thread.ts";
import { CHOICE_INTERVAL_MS } from "../../src/engine/settings.ts";
import { HISTOGRAM_WORDS, record, summarise, type TimesSummary } from "../../src/engine/turn-times.ts";
import { warmUp } from "../../src/engine/warm-up.ts";
import { CONFIRMED_CHANNEL, FAILED_CHANNEL, OUTCOME_CHANNEL } from "../../src/shape/channels.ts";
import { STAT } from "../../src/shape/statistics.ts";
import { AGAVE2_PACKET_BYTES } from "../tools/agave-packet.ts";
import { LoadedEngine } from "./loaded-engine.ts";
import { mix32 } from "./mix.ts";
import { packetFile } from "./packets.ts";

export interface StallSettings {
  readonly seconds: number;
  readonly cpu: number | undefined;
  readonly model: "ip-signer" | "evidence";
}

const PACKETS_A_TURN = 256;
const SPIN_STEPS = 40_000;
const NANOS_PER_US = 1_000;
const OUTCOMES_A_TURN = 8;

interface Times {
  readonly cpu: TimesSummary;
  readonly wall: TimesSummary;
}

export interface StallResult {
  readonly model: string;
  readonly seconds: number;
  readonly packets: number;
  readonly sent: number;
  readonly modelUpdates: number;
  readonly turn: Times;
  readonly spin: Times;
  readonly heapBytesPerPacket: number;
  /** The same without any turn: what the bench itself allocates. */
  readonly heapBytesOfFilling: number;
  readonly heapBytesBefore: number;
  readonly heapBytesAfter: number;
}

/** Both clocks' histograms of something that is done again and again. */
class TwoClocks {
  readonly #cpu = new Float64Array(HISTOGRAM_WORDS);
  readonly #wall = new Float64Array(HISTOGRAM_WORDS);

  time(work: () => void): void {
    const wall = performance.now();
    const cpu = threadCpuNanos();
    work();
    record(this.#cpu, 0, (threadCpuNanos() - cpu) / NANOS_PER_US);
    record(this.#wall, 0, (performance.now() - wall) * NANOS_PER_US);
  }

  clear(): void {
    this.#cpu.fill(0);
    this.#wall.fill(0);
  }

  get times(): Times {
    return { cpu: summarise([...this.#cpu]), wall: summarise([...this.#wall]) };
  }
}

/** Everything that a validator would write in the time of a turn, without an allocation. */
class Traffic {
  #number = 0;

  constructor(private readonly loaded: LoadedEngine) {}

  fill(): void {
    const { plain, packetsAt, packetCount, digestsAt } = this.loaded;
    const { arena, layout, producers } = plain;
    for (let i = 0; i < PACKETS_A_TURN; i++) {
      const number = this.#number++;
      const producer = producers[number & 3];
      const from = packetsAt + (number % packetCount) * AGAVE2_PACKET_BYTES;
      const at = producer.reserve();
      arena.u8.copyWithin(at, from, from + AGAVE2_PACKET_BYTES);
      arena.view.setUint32(at + 1, mix32(number), true);
      arena.view.setUint32(at + 5, number, true);
      producer.commit();
      if (i === 0) producers[FAILED_CHANNEL].push(at);
      if (i % 16 === 0) producers[CONFIRMED_CHANNEL].push(at + 1);
    }
    const { nodesAt, nodeBytes, capacity } = layout.partialMetas;
    for (let i = 0; i < OUTCOMES_A_TURN; i++) {
      const node = nodesAt + (mix32(this.#number + i) % capacity) * nodeBytes;
      arena.u8.copyWithin(digestsAt, node, node + 8);
      arena.u32[(digestsAt + 8) / 4] = i % 3 === 0 ? 0 : 40_000 + i;
      arena.u32[(digestsAt + 12) / 4] = 0;
      producers[OUTCOME_CHANNEL].push(digestsAt);
    }
    for (const producer of producers) producer.sync();
  }
}

let spun = 1;
function spin(): void {
  let word = spun;
  for (let i = 0; i < SPIN_STEPS; i++) word = Math.imul(word ^ (word >>> 15), 0x2c1b3c6d) + i;
  spun = word | 1;
}

export function stalls({ seconds, cpu, model }: StallSettings): StallResult {
  const loaded = new LoadedEngine({ packets: packetFile("corpus").bytes, model, targetPps: 1_000_000 });
  const { plain } = loaded;
  const { engine } = plain;
  const { layout, context, engine: settings, model: makeModel } = plain.options;
  // As the sidecar does: other memory, the same code.
  warmUp({ layout, context, engine: settings, model: makeModel }, () => performance.now(), 100);
  loaded.senders?.warm();
  if (cpu !== undefined) pinThread(cpu);
  engine.mailbox.setPaused(false);
  const traffic = new Traffic(loaded);
  const turns = new TwoClocks();
  const spins = new TwoClocks();
  const startedMs = performance.now();
  const turn = (): void => {
    engine.turn(performance.now() - startedMs + CHOICE_INTERVAL_MS);
  };
  // The bench's own code is compiled in the first moments as well; the loop's was warmed above.
  for (let i = 0; i < 200; i++) spins.time(spin);
  spins.clear();
  const untilMs = startedMs + seconds * 1_000;
  while (performance.now() < untilMs) {
    traffic.fill();
    turns.time(turn);
    spins.time(spin);
  }
  const { words } = engine.status;
  const timed = { packets: words[STAT.totalPackets], sent: words[STAT.bankingTransmissions] };
  const modelUpdates = words[STAT.modelUpdates];
  const filling = heapGrowth(() => traffic.fill());
  const heap = heapGrowth(() => {
    traffic.fill();
    turn();
  });
  const heapBytesOfFilling = filling.heapBytesPerPacket;
  const result = {
    model,
    seconds,
    ...timed,
    modelUpdates,
    turn: turns.times,
    spin: spins.times,
    ...heap,
    heapBytesOfFilling,
  };
  print(result);
  return result;
}

/**
 * Bytes of the heap's blocks before and after many turns. Its capacity, not its size: the size counts what a collection
 * found, and none falls between the two looks, since the arena's gigabyte puts the next one far off. So every block that
 * allocations filled is seen. The bench's own `sync` calls are in it: a BigInt each, seven in 256 packets.
 */
function heapGrowth(
  oneTurn: () => void,
): Pick<StallResult, "heapBytesPerPacket" | "heapBytesBefore" | "heapBytesAfter"> {
  const turns = 20_000;
  for (let i = 0; i < 100; i++) oneTurn();
  Bun.gc(true);
  const before = heapStats().heapCapacity;
  for (let i = 0; i < turns; i++) oneTurn();
  const after = heapStats().heapCapacity;
  return {
    heapBytesBefore: before,
    heapBytesAfter: after,
    heapBytesPerPacket: (after - before) / (turns * PACKETS_A_TURN),
  };
}

function print(result: StallResult): void {
  const row = (name: string, { p50Us, p99Us, p999Us, longestUs, count }: TimesSummary): void =>
    console.log(
      `${name.padEnd(26)} ${`${count}`.padStart(9)} times  p50 ${p50Us.toFixed(0)} us  p99 ${p99Us.toFixed(0)} us` +
        `  p99.9 ${p999Us.toFixed(0)} us  longest ${longestUs.toFixed(0)} us`,
    );
  const { model, seconds, packets, sent, modelUpdates } = result;
  console.log(`${model}: ${packets} packets in ${seconds} s, ${sent} sent, ${modelUpdates} model updates`);
  row("turn, CPU time", result.turn.cpu);
  row("turn, wall clock", result.turn.wall);
  row("spin beside it, CPU time", result.spin.cpu);
  row("spin beside it, wall", result.spin.wall);
  const { heapBytesBefore, heapBytesAfter, heapBytesPerPacket, heapBytesOfFilling } = result;
  console.log(
    `heap: ${heapBytesBefore} bytes, then ${heapBytesAfter}: ${heapBytesPerPacket.toFixed(3)} bytes per packet,` +
      ` ${heapBytesOfFilling.toFixed(3)} where the ring is only filled`,
  );
}
