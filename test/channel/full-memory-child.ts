// Run with a /dev/shm of 1 MiB of its own (full-memory.test.ts): what joins and creations say there, as one JSON line.

import fs from "node:fs";
import { createChannel, joinConsumer, joinProducer } from "../../src/channel/files.ts";
import { channelFileBytes } from "../../src/channel/place.ts";
import { initChannels } from "../../src/cli/commands/init.ts";
import { Arena } from "../../src/shape/arena.ts";
import { CAPACITY_AT, MAGIC, MAGIC_AT } from "../../src/shape/channel-header.ts";
import { smallRegion } from "../tools/small-region.ts";

const region = smallRegion(1024, 1264);
const arena = Arena.reserve(4 << 20);
const place = { pages: "standard", prefix: "full_" } as const;

// a peer that only truncates, as `que` does: the file promises more than there is
const sparse = "/dev/shm/sparse";
const header = Buffer.alloc(640);
header.writeBigUInt64LE(1024n, CAPACITY_AT);
header.writeBigUInt64LE(MAGIC, MAGIC_AT);
fs.writeFileSync(sparse, header);
fs.truncateSync(sparse, channelFileBytes(region, "standard"));
const joined = joinConsumer(arena, region, sparse);
arena.u8.fill(1, region.at, region.at + region.bytes); // no SIGBUS: plain memory lies there again

const uninitialised = "/dev/shm/uninitialised";
fs.writeFileSync(uninitialised, "");
const completed = joinProducer(arena, region, uninitialised);
const bytesAfter = fs.statSync(uninitialised).size;
fs.rmSync(sparse);
fs.rmSync(uninitialised);

const created = createChannel("/dev/shm/new", region);
let init = "done";
try {
  await initChannels({ place, packetLayout: "agave2", mode: undefined, gid: undefined, force: false });
} catch (error) {
  init = error instanceof Error ? error.message : String(error);
}
console.log(JSON.stringify({ joined, completed, bytesAfter, created, init, left: fs.readdirSync("/dev/shm") }));
process.exit(0);
