// The lap and seqlock logic under every interleaving that chance finds. The real Producer, Consumer and Intake run, over
// memory whose accesses are steps: before each of the consumer's loads, and each word of its copies, the producer may do any
// number of its own steps (reserve, one word of an element, publish). The producer never reads what the consumer writes, so
// running its steps inside the consumer's accesses reaches every sequentially consistent interleaving. One seed, one schedule.

import type { ChannelWords } from "../../src/channel/channel-words.ts";
import { Consumer } from "../../src/channel/consumer.ts";
import { Producer } from "../../src/channel/producer.ts";
import { Intake } from "../../src/engine/intake.ts";
import { loadKernel } from "../../src/kernel/kernel.ts";
import { Arena } from "../../src/shape/arena.ts";
import { burstOf, HEADER_BYTES, TAIL_AT } from "../../src/shape/channel-header.ts";
import { DIGEST_BYTES, FEE_AT, GROUP, REASON_AT } from "../../src/shape/digest-layout.ts";
import { SEEN_NEVER } from "../../src/shape/store-layout.ts";
import { Random } from "../tools/random.ts";

const CHANNEL_AT = 65_536;
const DIGESTS_AT = CHANNEL_AT + 8_192;
const SLOT_AT = DIGESTS_AT + GROUP * DIGEST_BYTES;
const TWO_32 = 4_294_967_296;

const CAPACITIES = [4, 8, 16];
const WORDS_OF_ELEMENT = [2, 3, 4];
/** First indexes of the streams, some of them just before the low word of the tail runs over. */
const FIRST_INDEXES = [0, 5, TWO_32 - 9, TWO_32 - 1, 3 * TWO_32 - 17];
/** Chances that the producer does one more step before the consumer's next access. */
const EAGERNESS = [0.2, 0.5, 0.7, 0.85, 0.95];

/** What went wrong, with the seed that shows it again. */
export class ScheduleFailure extends Error {
  constructor(seed: number, what: string) {
    super(`schedule ${seed}: ${what}`);
  }
}

const wordOf = (index: number, k: number): number => (Math.imul(index | 0, 8) + k) | 0;

/** Both sides over one channel, and the producer's program as a machine of single steps. */
class Bench {
  readonly arena = Arena.reserve(SLOT_AT + 4_096);
  readonly random = new Random();
  consumer!: Consumer;
  seed = 0;
  words = 2;
  capacity = 4;
  reach = 3;
  #producer!: Producer;
  #eagerness = 0.5;
  #leftToWrite = 0;
  #slot = 0;
  #nextWord = -1;
  #published = 0;
  #inside = false;
  readonly #load = Atomics.load;
  readonly #store = Atomics.store;
  readonly #kernelWords: ChannelWords;

  constructor() {
    const kernel = loadKernel(this.arena);
    this.#kernelWords = {
      loadTail: (at) => {
        this.step();
        return kernel.loadTail(at);
      },
      storeTail: (at, tail) => {
        kernel.storeTail(at, tail);
        this.#checkPublication();
      },
      beat: (at) => kernel.beat(at),
    };
    const copy = this.arena.u8.copyWithin;
    // the copy into the queue goes word by word, each a step
    this.arena.u8.copyWithin = (target: number, start: number, end = start): typeof this.arena.u8 => {
      for (let at = start; at < end; at += 4) {
        this.step();
        copy.call(this.arena.u8, target + at - start, at, at + 4);
      }
      return this.arena.u8;
    };
  }

  /** Starts a schedule. */
  begin(seed: number): void {
    const { random, arena } = this;
    random.seed(seed);
    this.seed = seed;
    this.capacity = random.pick(CAPACITIES);
    this.words = random.pick(WORDS_OF_ELEMENT);
    this.reach = this.capacity - burstOf(this.capacity);
    this.#eagerness = random.pick(EAGERNESS);
    this.#leftToWrite = 1 + random.below(5 * this.capacity);
    this.#nextWord = -1;
    const first = random.pick(FIRST_INDEXES);
    arena.u64[(CHANNEL_AT + TAIL_AT) / 8] = BigInt(first);
    arena.i32.fill(
      -1,
      (CHANNEL_AT + HEADER_BYTES) >>> 2,
      (CHANNEL_AT + HEADER_BYTES + 4 * this.words * this.capacity) >>> 2,
    );
    this.#inside = true;
    // A tail is one word, as the kernel has it, or JavaScript's two.
    const words = random.chance(0.5) ? this.#kernelWords : undefined;
    this.#producer = new Producer(arena, CHANNEL_AT, this.capacity, this.words * 4, words);
    this.#inside = false;
    this.consumer = new Consumer(arena, CHANNEL_AT, this.capacity, this.words * 4, words);
    this.consumer.head = first;
    this.#published = first;
  }

  /** Runs `work` with every atomic access to the arena as a step. */
  instrumented(work: () => void): void {
    const [load, store] = [this.#load, this.#store];
    const patched = Atomics as { load: unknown; store: unknown };
    patched.load = (array: Int32Array, at: number): number => {
      this.step();
      return load(array, at);
    };
    patched.store = (array: BigUint64Array, at: number, value: bigint): bigint => {
      const stored = store(array, at, value);
      this.#checkPublication();
      return stored;
    };
    try {
      work();
    } finally {
      patched.load = load;
      patched.store = store;
    }
  }

  get isProducing(): boolean {
    return this.#leftToWrite > 0 || this.#nextWord >= 0 || this.#published < this.#producer.tail;
  }

  fail(what: string): never {
    throw new ScheduleFailure(this.seed, what);
  }

  /** Before an access of the consumer: lets the producer do some steps. */
  step(): void {
    if (this.#inside) return; // a load of the producer's own
    while (this.isProducing && this.random.chance(this.#eagerness)) this.#advance();
  }

  /** One step of the producer. */
  #advance(): void {
    const producer = this.#producer;
    this.#inside = true;
    if (this.#nextWord >= 0) {
      this.arena.i32[(this.#slot >>> 2) + this.#nextWord] = wordOf(producer.tail, this.#nextWord);
      this.#nextWord += 1;
      if (this.#nextWord === this.words) {
        producer.commit();
        this.#nextWord = -1;
        this.#leftToWrite -= 1;
      }
    } else if (this.#leftToWrite === 0 || this.random.chance(0.3)) producer.sync();
    else {
      this.#slot = producer.reserve();
      this.#nextWord = 0;
    }
    this.#inside = false;
  }

  /** After each single store of the producer: what others see as the tail is what it has written, never less, never more. */
  #checkPublication(): void {
    const words = (CHANNEL_AT + TAIL_AT) >>> 2;
    const seen = (this.arena.i32[words + 1] >>> 0) * TWO_32 + (this.arena.i32[words] >>> 0);
    if (seen < this.#published || seen > this.#producer.tail) this.fail(`the tail is seen as ${seen}`);
    this.#published = seen;
  }
}

/** Reads as the channel's contract says: look, read in place, look again, drop, take. */
class GroupReader {
  readonly #seen = new Int32Array(GROUP * 4);

  constructor(readonly bench: Bench) {}

  run(): void {
    const { bench } = this;
    const { consumer, random } = bench;
    const first = consumer.head;
    for (let quiet = 0; quiet < 3; ) {
      const count = this.#group(1 + random.below(6));
      if (count === 0 && !bench.isProducing) quiet += 1;
      else quiet = 0;
    }
    if (consumer.head !== consumer.tail) bench.fail(`stopped at ${consumer.head} of ${consumer.tail}`);
    if (consumer.received + consumer.lapped !== consumer.head - first) bench.fail("the counts do not add up");
    if (consumer.torn > consumer.lapped) bench.fail("more torn than lapped");
  }

  #group(most: number): number {
    const { bench } = this;
    const { consumer, words, reach } = bench;
    const before = consumer.head;
    const count = consumer.readable(most);
    const resumed = Math.max(before, consumer.tail - reach);
    if (consumer.head !== resumed) bench.fail(`went on at ${consumer.head}, not at ${resumed}`);
    const untilWrap = bench.capacity - (consumer.head % bench.capacity);
    const ready = Math.min(consumer.tail - consumer.head, untilWrap, most);
    if (count !== ready) bench.fail(`${count} readable, not ${ready}`);
    for (let i = 0; i < count; i++) {
      const at = consumer.addressOf(i) >>> 2;
      for (let k = 0; k < words; k++) {
        bench.step();
        this.#seen[i * words + k] = bench.arena.i32[at + k];
      }
    }
    const overrun = consumer.overrun();
    if (overrun !== Math.max(0, consumer.tail - reach - consumer.head)) bench.fail(`overrun of ${overrun}`);
    const torn = Math.min(overrun, count);
    consumer.drop(torn);
    for (let i = torn; i < count; i++) {
      const index = consumer.head + i - torn;
      for (let k = 0; k < words; k++) {
        if (this.#seen[i * words + k] !== wordOf(index, k)) bench.fail(`element ${index} is torn at word ${k}`);
      }
    }
    consumer.take(count - torn);
    return count;
  }
}

/** The loop's own intake, with a kernel that only reads, and tables that only check. */
class IntakeReader {
  readonly #intake: Intake;
  readonly #counters = new Float64Array(64);
  #claimed = 0;
  #expected = 0;

  constructor(readonly bench: Bench) {
    const { arena, random } = bench;
    const slotPacket = (SLOT_AT + DIGEST_BYTES) >>> 2;
    const kernel = {
      fillSlot: (slot: number, packet: number, _used: number, _room: number, bytes: number): number => {
        arena.u8.copyWithin(slot + DIGEST_BYTES, packet, packet + bytes);
        return 1;
      },
      digest: (first: number, count: number, stride: number, out: number): void => {
        for (let i = 0; i < count; i++) {
          const digest = out + i * DIGEST_BYTES;
          let torn = 0;
          let firstWord = 0;
          for (let k = 0; k < bench.words; k++) {
            bench.step();
            const word = arena.i32[((first + i * stride) >>> 2) + k];
            if (k === 0) firstWord = word;
            if (word !== ((firstWord + k) | 0)) torn = 1;
          }
          arena.i32[(digest + FEE_AT) >>> 2] = firstWord;
          arena.i32[((digest + FEE_AT) >>> 2) + 1] = torn;
          arena.u8[digest + REASON_AT] = 0;
        }
      },
      recognise: () => SEEN_NEVER,
    };
    /** The digest of an element that passed the group's check: whole, and the one of its place. */
    const check = (digest: number): void => {
      const word = (digest + FEE_AT) >>> 2;
      const index = bench.consumer.head;
      if (index < this.#expected) bench.fail(`element ${index} a second time`);
      this.#expected = index + 1;
      if (arena.i32[word + 1] !== 0) bench.fail(`digest ${index} is torn`);
      if (arena.i32[word] !== wordOf(index, 0)) bench.fail(`digest ${index} is of another element`);
    };
    const queue = {
      wants: (): boolean => random.chance(0.5),
      slots: {
        claim: (): number => {
          this.#claimed = bench.consumer.head;
          return 0;
        },
        release: () => {},
        at: (): number => SLOT_AT,
      },
      push: (): number => {
        for (let k = 0; k < bench.words; k++) {
          if (arena.i32[slotPacket + k] !== wordOf(this.#claimed, k)) bench.fail(`queued ${this.#claimed} is torn`);
        }
        return -1;
      },
    };
    const lru = { touchVictims: () => 0, touch: () => 0 };
    const metas = { at: 0, lru, insert: () => 0, noteQueued: () => {} };
    const recent = { at: 0, lru };
    const model = {
      chooser: null,
      touch: () => 0,
      unparsable: () => {},
      score: (digest: number): number => {
        check(digest);
        return 1;
      },
    };
    this.#intake = new Intake(
      arena,
      // the element's size changes between schedules, the intake's must not: it reads it through this
      {
        digestsAt: DIGESTS_AT,
        contextAt: 0,
        options: { packetLayout: "agave2" },
        channels: [{ elementBytes: INTAKE_WORDS * 4 }],
      } as never,
      kernel as never,
      this.#counters,
      recent as never,
      metas as never,
      model as never,
      queue as never,
      { fates: false } as never,
      { refuse: () => {}, close: () => {} } as never,
      null,
    );
  }

  run(): void {
    const { bench } = this;
    const { consumer } = bench;
    const first = consumer.head;
    this.#expected = first;
    for (let quiet = 0; quiet < 3; ) {
      const taken = this.#intake.drain(consumer, 0, 0, 1 + bench.random.below(20));
      if (taken === 0 && !bench.isProducing) quiet += 1;
      else quiet = 0;
    }
    if (consumer.head !== consumer.tail) bench.fail(`stopped at ${consumer.head} of ${consumer.tail}`);
    if (consumer.received + consumer.lapped !== consumer.head - first) bench.fail("the counts do not add up");
  }
}

const INTAKE_WORDS = 4;

/** Plays schedules against the bare cursors. @throws ScheduleFailure */
export function runCursorSchedules(firstSeed: number, count: number): void {
  const bench = new Bench();
  const reader = new GroupReader(bench);
  bench.instrumented(() => {
    for (let seed = firstSeed; seed < firstSeed + count; seed++) {
      bench.begin(seed);
      reader.run();
    }
  });
}

/** Plays schedules against the loop's intake. @returns schedules played @throws ScheduleFailure */
export function runIntakeSchedules(firstSeed: number, count: number): number {
  const bench = new Bench();
  const reader = new IntakeReader(bench);
  let played = 0;
  bench.instrumented(() => {
    for (let seed = firstSeed; played < count; seed++) {
      bench.begin(seed);
      if (bench.words !== INTAKE_WORDS) continue;
      reader.run();
      played += 1;
    }
  });
  return played;
}
