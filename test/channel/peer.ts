// The other end of a channel, as a process of its own: `producer|consumer PATH CAPACITY ELEMENT_BYTES COUNT`.
//
// A producer joins or creates under the file's lock, says `joined` and, for each line on standard input, pushes COUNT
// elements whose words all hold the stream index; `hold` keeps it there with the lock. A consumer waits until it can join,
// says `joined`, and reads until it has seen the element with stream index COUNT - 1 or newer.

import { Consumer } from "../../src/channel/consumer.ts";
import { joinConsumer, joinProducer } from "../../src/channel/files.ts";
import { Producer } from "../../src/channel/producer.ts";
import { Arena } from "../../src/shape/arena.ts";
import { smallRegion } from "../tools/small-region.ts";

const [role, path, capacityText, elementText, countText] = process.argv.slice(2);
const [capacity, elementBytes, count] = [capacityText, elementText, countText].map(Number);
const region = smallRegion(capacity, elementBytes);
const arena = Arena.reserve(4 << 20);
const say = (value: unknown): void => console.log(JSON.stringify(value));

if (role === "producer") {
  const result = joinProducer(arena, region, path, { lock: true });
  if (result.state !== "joined") {
    say(result);
    process.exit(1);
  }
  const producer = new Producer(arena, region.at, capacity, elementBytes);
  say({ state: "joined", created: result.channel.created, tail: producer.tail });
  for await (const line of console) {
    if (line === "hold") continue;
    for (let i = 0; i < count; i++) {
      const at = producer.reserve();
      arena.f64.fill(producer.tail, at / 8, (at + elementBytes) / 8);
      producer.commit();
      if (i % 7 === 0) producer.sync();
    }
    producer.sync();
    producer.beat();
    say({ state: "pushed", tail: producer.tail });
  }
  result.channel.close();
} else {
  let result = joinConsumer(arena, region, path);
  while (result.state === "absent" || result.state === "uninitialised") {
    await Bun.sleep(1);
    result = joinConsumer(arena, region, path);
  }
  if (result.state !== "joined") {
    say(result);
    process.exit(1);
  }
  const consumer = new Consumer(arena, region.at, capacity, elementBytes);
  consumer.join();
  const start = consumer.head;
  say({ state: "joined", head: start });
  let wrong = 0;
  while (consumer.head < count) {
    const ready = consumer.readable(16);
    if (ready === 0) {
      consumer.beat();
      await Bun.sleep(0);
      continue;
    }
    const copies: Float64Array[] = [];
    for (let i = 0; i < ready; i++) {
      const at = consumer.addressOf(i) / 8;
      copies.push(arena.f64.slice(at, at + elementBytes / 8));
    }
    const torn = Math.min(consumer.overrun(), ready);
    for (let i = torn; i < ready; i++) if (copies[i].some((value) => value !== consumer.head + i)) wrong += 1;
    consumer.drop(torn);
    consumer.take(ready - torn);
  }
  const { received, lapped, head } = consumer;
  say({ state: "read", start, head, received, lapped, wrong });
  result.channel.close();
}
process.exit(0);
