// Whether the invariants see anything: one deliberate error each, put into the engine of a run, must end it.

import { afterEach, describe, expect, test } from "bun:test";
import { Consumer } from "../../src/channel/consumer.ts";
import type { PlainEngine } from "../../src/engine/plain.ts";
import { smallCapacities } from "../../src/shape/channels.ts";
import { InvariantError } from "../../src/simulator/invariants.ts";
import { loadScenario } from "../../src/simulator/load-scenario.ts";
import type { Mishaps } from "../../src/simulator/mishaps.ts";
import { VirtualRun } from "../../src/simulator/virtual.ts";
import { usualModel } from "./rig.ts";

const LIMIT_MS = 120_000;
const { readable } = Consumer.prototype;
afterEach(() => {
  Consumer.prototype.readable = readable;
});

function failure(tamper: (parts: PlainEngine) => void, mishaps: Mishaps = {}): string {
  const run = new VirtualRun({
    scenario: { ...loadScenario("overload"), durationSeconds: 1.5 },
    seed: 9n,
    model: usualModel,
    mishaps,
    partialMetas: 4_096,
    recentSignatures: 2_048,
    queueCapacity: 1_024,
    channelCapacities: smallCapacities(256, { outcomes: 4_096, confirmed: 4_096, output: 4_096 }),
    tamper,
  });
  try {
    run.run();
  } catch (error) {
    expect(error).toBeInstanceOf(InvariantError);
    return (error as Error).message;
  }
  return "nothing was noticed";
}

const STALLS: Mishaps = { sidecarStalls: { everyMs: 200, forMs: 150 } };

describe("a deliberate error", () => {
  test(
    "is needed: the same run without one holds",
    () => {
      expect(failure(() => {}, STALLS)).toBe("nothing was noticed");
    },
    LIMIT_MS,
  );

  test(
    "in the law: a packet that the full queue drops is not counted",
    () => {
      const message = failure(({ engine }) => {
        const push = engine.queue.push.bind(engine.queue);
        engine.queue.push = (slot, score, arrivalMs) => {
          push(slot, score, arrivalMs);
          return -1;
        };
      });
      expect(message).toContain("the law");
      expect(message).toContain("seed 9");
    },
    LIMIT_MS,
  );

  test(
    "in the lap count: a lap skips one element more than it counts",
    () => {
      const message = failure(() => {
        Consumer.prototype.readable = function (this: Consumer, most: number) {
          const before = this.lapped;
          const count = readable.call(this, most);
          if (this.lapped > before) this.lapped -= 1;
          return count;
        };
      }, STALLS);
      expect(message).toContain("lapped");
    },
    LIMIT_MS,
  );

  test(
    "in the eviction: now and then the newest meta goes instead of the oldest",
    () => {
      const message = failure(({ engine }) => {
        const { metas } = engine;
        const insert = metas.insert.bind(metas);
        let count = 0;
        metas.insert = (at) => {
          const node = insert(at);
          count += 1;
          const meta = count % 50 === 0 ? metas.find(at) : 0;
          if (meta !== 0) metas.remove(meta);
          return node;
        };
      });
      expect(message).toContain("eviction");
    },
    LIMIT_MS,
  );

  test(
    "in the queue's order: now and then a score in the heap is another",
    () => {
      const message = failure(({ engine, arena, layout }) => {
        const push = engine.queue.push.bind(engine.queue);
        let count = 0;
        engine.queue.push = (slot, score, arrivalMs) => {
          const dropped = push(slot, score, arrivalMs);
          count += 1;
          if (count % 1_000 === 0) arena.f64[layout.queue.scoresAt / 8 + 1] = -1;
          return dropped;
        };
      });
      expect(message).toContain("order");
    },
    LIMIT_MS,
  );

  test(
    "in the output: a packet is sent twice",
    () => {
      const message = failure(({ engine }) => {
        const { queue } = engine;
        const release = queue.slots.release.bind(queue.slots);
        const slotOf = queue.groupSlot.bind(queue);
        let last = -1;
        let instead = -1;
        queue.groupSlot = (place) => {
          const slot = slotOf(place);
          instead = last >= 0 && slot % 100 === 0 ? slot : -1;
          if (instead < 0) last = slot;
          return last;
        };
        queue.slots.release = (slot) => {
          release(instead >= 0 && slot === last ? instead : slot);
          instead = -1;
        };
      });
      expect(message).toContain("came out");
    },
    LIMIT_MS,
  );
});
