// The producer in C of docs/integration.md: the bytes of its channel, and its watch over the consumer's heartbeat.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Peer, Place, rust } from "./que-peer.ts";
import { StreamReader } from "./stream-reader.ts";

const SOURCE = new URL("../c/producer.c", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), `qos-c-${process.pid}-`));
const program = join(folder, "producer");
const compiler = Bun.which("cc");
if (compiler === null) console.log("skipped: no C compiler on this machine");
const COUNT = 300_000;

afterAll(() => rmSync(folder, { recursive: true }));

function compile(): void {
  const flags = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic"];
  const run = Bun.spawnSync([compiler!, ...flags, "-o", program, SOURCE]);
  if (run.exitCode !== 0) throw new Error(run.stderr.toString());
}

interface Result {
  readonly joined: number;
  readonly pushed: number;
  readonly passedBy: number;
}

function start(place: Place, count: number, more: readonly string[] = []): { result: Promise<Result> } {
  const { capacity, elementBytes } = place.shape;
  const words = [place.name, `${capacity}`, `${elementBytes}`, `${count}`, "16", ...more];
  const child = Bun.spawn([program, ...words], { stdout: "pipe", stderr: "inherit" });
  return {
    result: child.stdout.text().then((text) =>
      Object.assign(
        {},
        ...text
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line)),
      ),
    ),
  };
}

describe.skipIf(compiler === null)("the producer in C (needs a C compiler)", () => {
  if (compiler !== null) compile();

  for (const shape of [
    { elementBytes: 1264, capacity: 32_768 },
    { elementBytes: 1296, capacity: 64 },
    { elementBytes: 16, capacity: 4 },
  ]) {
    test(`creates, continues and is read: ${shape.elementBytes} bytes, capacity ${shape.capacity}`, async () => {
      const place = new Place(shape);
      try {
        expect(await start(place, 3).result).toMatchObject({ joined: 0, pushed: 3 });
        const reader = new StreamReader(place.arena, place.consume());
        expect(reader.consumer.head).toBe(3);
        const run = start(place, COUNT);
        reader.readUntil(COUNT + 3, 40_000);
        expect(await run.result).toMatchObject({ joined: 3, pushed: COUNT });
        const seen = reader.seen();
        expect(seen).toMatchObject({ wrong: 0, head: COUNT + 3 });
        expect(seen.received + seen.lapped).toBe(COUNT);
      } finally {
        place.remove();
      }
    }, 60_000);
  }

  test("passes by while no consumer beats, pushes while one does", async () => {
    const place = new Place({ elementBytes: 64, capacity: 1024 });
    place.produce();
    const consumer = place.consume();
    try {
      const quiet = await start(place, 1_000_000, ["300"]).result;
      expect(quiet.pushed).toBe(0);
      expect(quiet.passedBy).toBeGreaterThan(100);
      const beating = setInterval(() => consumer.beat(), 5);
      const watched = await start(place, 1_000_000, ["600"]).result;
      clearInterval(beating);
      expect(watched.pushed).toBeGreaterThan(100);
    } finally {
      place.remove();
    }
  }, 60_000);

  test.skipIf(!rust.ok)(
    "its channel is the crate's (needs cargo)",
    async () => {
      const place = new Place({ elementBytes: 64, capacity: 64 });
      const peer = new Peer("steps", place);
      try {
        expect(await start(place, 40).result).toMatchObject({ joined: 0, pushed: 40 });
        expect(await peer.ask("consumer")).toEqual({ tail: 40 });
        expect(await start(place, 5).result).toMatchObject({ joined: 40 });
        expect(await peer.ask("pop 9")).toEqual({ popped: [40, 41, 42, 43, 44] });
        await peer.ask("producer");
        await peer.ask("push 2");
        await peer.ask("sync");
        expect(await start(place, 1).result).toMatchObject({ joined: 47 });
      } finally {
        await peer.end();
        place.remove();
      }
    },
    60_000,
  );
});
