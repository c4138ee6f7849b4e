import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { PRODUCER_HEARTBEAT_AT, TAIL_AT } from "../../src/shape/channel-header.ts";
import { freshPath, removeFiles } from "../tools/shared-files.ts";
import { linesOf } from "../tools/stream-lines.ts";

afterAll(removeFiles);

const ELEMENT_BYTES = 64;
const PER_PUSH = 50_000;

interface Said {
  state: string;
  [name: string]: unknown;
}

/** A peer process, spoken to line by line. */
class Peer {
  readonly #process;
  readonly #lines: AsyncIterator<string>;

  constructor(role: "producer" | "consumer", path: string, capacity: number, count: number) {
    const args = [role, path, capacity, ELEMENT_BYTES, count].map(String);
    this.#process = Bun.spawn([process.execPath, `${import.meta.dir}/peer.ts`, ...args], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#lines = linesOf(this.#process.stdout);
  }

  get pid(): number {
    return this.#process.pid;
  }

  async next(): Promise<Said> {
    return JSON.parse((await this.#lines.next()).value) as Said;
  }

  tell(line: string): void {
    this.#process.stdin.write(`${line}\n`);
    this.#process.stdin.flush();
  }

  async end(): Promise<number> {
    this.#process.stdin.end();
    return await this.#process.exited;
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}

const word = (path: string, at: number): number => Number(fs.readFileSync(path).readBigUInt64LE(at));

describe("two processes on one channel", () => {
  for (const order of ["consumer first", "producer first"] as const) {
    test(`${order}: every element is read whole or counted as lapped`, async () => {
      const path = freshPath();
      const capacity = 1024;
      const makeProducer = () => new Peer("producer", path, capacity, PER_PUSH);
      const makeConsumer = () => new Peer("consumer", path, capacity, 3 * PER_PUSH);
      const early = order === "consumer first" ? makeConsumer() : undefined;
      const producer = makeProducer();
      expect(await producer.next()).toEqual({ state: "joined", created: true, tail: 0 });
      if (early === undefined) {
        // what was published before the join is not read
        producer.tell("push");
        expect(await producer.next()).toEqual({ state: "pushed", tail: PER_PUSH });
      }
      const consumer = early ?? makeConsumer();
      const start = early === undefined ? PER_PUSH : 0;
      expect(await consumer.next()).toEqual({ state: "joined", head: start });
      for (let pushed = start; pushed < 3 * PER_PUSH; pushed += PER_PUSH) {
        producer.tell("push");
        expect(await producer.next()).toEqual({ state: "pushed", tail: pushed + PER_PUSH });
      }
      const read = (await consumer.next()) as unknown as Record<
        "start" | "head" | "received" | "lapped" | "wrong",
        number
      >;
      expect(read.wrong).toBe(0);
      expect(read.head).toBe(3 * PER_PUSH);
      expect(read.received + read.lapped).toBe(read.head - read.start);
      expect(read.received).toBeGreaterThan(0);
      expect(await producer.end()).toBe(0);
      expect(await consumer.end()).toBe(0);
    });
  }

  test("a producer that was killed leaves the lock free and the stream where it was", async () => {
    const path = freshPath();
    const first = new Peer("producer", path, 256, 1_000);
    expect(await first.next()).toMatchObject({ state: "joined", created: true });
    first.tell("push");
    expect(await first.next()).toEqual({ state: "pushed", tail: 1_000 });

    const second = new Peer("producer", path, 256, 1_000);
    const refused = await second.next();
    expect(refused).toMatchObject({ state: "refused", kind: "locked" });
    expect(refused.message).toContain(`process ${first.pid}`);
    expect(await second.end()).toBe(1);
    expect(word(path, PRODUCER_HEARTBEAT_AT)).toBe(1); // its own beat alone

    const { ino } = fs.statSync(path);
    await first.kill();
    const third = new Peer("producer", path, 256, 1_000);
    expect(await third.next()).toEqual({ state: "joined", created: false, tail: 1_000 });
    expect(word(path, PRODUCER_HEARTBEAT_AT)).toBe(2);
    third.tell("push");
    expect(await third.next()).toEqual({ state: "pushed", tail: 2_000 });
    expect(word(path, TAIL_AT)).toBe(2_000);
    expect(fs.statSync(path).ino).toBe(ino);
    expect(await third.end()).toBe(0);
  });

  test("two that start at once: one creates and holds, the other is refused, one file is there", async () => {
    for (let round = 0; round < 3; round++) {
      const path = freshPath();
      const peers = [0, 1].map(() => new Peer("producer", path, 256, 1));
      const said = await Promise.all(peers.map((peer) => peer.next()));
      expect(said.map(({ state }) => state).sort()).toEqual(["joined", "refused"]);
      const holder = peers[said.findIndex(({ state }) => state === "joined")];
      expect(said.find(({ state }) => state === "refused")?.message).toContain(`process ${holder.pid}`);
      holder.tell("push");
      expect(await holder.next()).toEqual({ state: "pushed", tail: 1 });
      await Promise.all(peers.map((peer) => peer.end()));
    }
  });
});
