// A reader of a channel as a process of its own: `channel-consumer.ts NAME CAPACITY UNTIL IDLE_MS`. It takes what comes in
// groups, reads every payload, and says at the end what it got. Started by channel-processes.ts.

import { addressOf } from "../../ffi/shared-memory.ts";
import { Consumer } from "../../src/channel/consumer.ts";
import { joinConsumer } from "../../src/channel/files.ts";
import { channelFileBytes, channelPath } from "../../src/channel/place.ts";
import { Arena } from "../../src/shape/arena.ts";
import { HUGE_PAGE_BYTES } from "../../src/shape/layout.ts";
import { AGAVE2_PACKET_BYTES } from "../tools/agave-packet.ts";
import { takeAll } from "./channel-parts.ts";
import { loadParts } from "./kernel-parts.ts";

const [name = "", ...numbers] = process.argv.slice(2);
const [capacity, until, idleMs] = numbers.map(Number);
const shape = { elementBytes: AGAVE2_PACKET_BYTES, capacity };
const bytes = channelFileBytes(shape, "standard");
const arena = Arena.reserve(bytes + 2 * HUGE_PAGE_BYTES);
const base = addressOf(arena.memory);
const at = Math.ceil((base + 1) / HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES - base;
const joined = joinConsumer(arena, { at, bytes, ...shape }, channelPath({ pages: "standard", prefix: "" }, name));
if (joined.state !== "joined") throw new Error(JSON.stringify(joined));
const consumer = new Consumer(arena, at, capacity, AGAVE2_PACKET_BYTES);
const foldAt = Math.ceil((at + bytes) / 64) * 64;
const parts = await loadParts(arena.memory); // may have to compile: before the producer is told to begin
consumer.join();
console.log(JSON.stringify({ event: "joined", tail: consumer.head }));
let lastMs = performance.now();
while (consumer.head < until && performance.now() - lastMs < idleMs) {
  if (takeAll(consumer, parts, arena.i32, foldAt) > 0) lastMs = performance.now();
}
const { received, lapped, head } = consumer;
console.log(JSON.stringify({ event: "done", received, skipped: lapped, next: head, fold: arena.i32[foldAt / 4] }));
process.exit(0);
