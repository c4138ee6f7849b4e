// The same proofs on huge pages: hugetlbfs files of 2 MiB pages, both ends mapping them.

import { afterAll, describe, expect, test } from "bun:test";
import { writeElement } from "./elements.ts";
import { borrowHugePages } from "./huge-pages.ts";
import { Peer, Place, rust, type Shape } from "./que-peer.ts";
import { StreamReader } from "./stream-reader.ts";

/** A channel of 32,768 elements of 1264 bytes takes 20 of them, one of 1,048,576 signatures 33. */
const PAGES = 48;
const lent = rust.ok ? borrowHugePages(PAGES) : "";
if (typeof lent === "string" && lent !== "") console.log(`skipped: ${lent}`);
afterAll(() => {
  if (typeof lent !== "string") lent.giveBack();
});

const SHAPES: readonly Shape[] = [
  { elementBytes: 1264, capacity: 32_768, pages: "huge" },
  { elementBytes: 1296, capacity: 1024, pages: "huge" },
  { elementBytes: 64, capacity: 1_048_576, pages: "huge" },
  { elementBytes: 16, capacity: 4, pages: "huge" },
];
const COUNT = 500_000;

describe.skipIf(typeof lent === "string")("que on huge pages (needs root, cargo and free memory)", () => {
  for (const shape of SHAPES) {
    const { elementBytes, capacity } = shape;

    test(`both directions and both orders of creation: ${elementBytes} bytes, capacity ${capacity}`, async () => {
      const at = new Place(shape);
      const peer = new Peer("steps", at);
      try {
        expect(await peer.ask("producer")).toEqual({ tail: 0 }); // the crate creates
        await peer.ask("push 3");
        await peer.ask("sync");
        const producer = at.produce(); // we go on
        expect(producer.tail).toBe(3);
        const consumer = at.consume();
        expect(await peer.ask("consumer")).toEqual({ tail: 3 });
        writeElement(at.arena.i32, producer.reserve(), elementBytes, 3);
        producer.commit();
        producer.sync();
        expect(await peer.ask("pop 5")).toEqual({ popped: [3] });
        const reader = new StreamReader(at.arena, consumer);
        expect(reader.readGroup()).toBe(1);
        expect(reader.seen()).toMatchObject({ received: 1, wrong: 0, head: 4 });
      } finally {
        await peer.end();
        at.remove();
      }
    });

    test(`a stream at full speed: ${elementBytes} bytes, capacity ${capacity}`, async () => {
      const at = new Place(shape);
      at.produce(); // we create, the crate goes on
      const reader = new StreamReader(at.arena, at.consume());
      const peer = new Peer("produce", at, ["--count", `${COUNT}`, "--sync-every", "64"]);
      try {
        reader.readUntil(COUNT, 40_000);
        expect(await peer.next()).toEqual({ event: "joined", tail: 0 });
        expect(await peer.next()).toEqual({ event: "done", pushed: COUNT, tail: COUNT });
        const seen = reader.seen();
        expect(seen).toMatchObject({ wrong: 0, head: COUNT });
        expect(seen.received + seen.lapped).toBe(COUNT);
        expect(seen.missing).toBe(seen.lapped);
      } finally {
        await peer.end();
        at.remove();
      }
    }, 60_000);
  }
});
