// Makes the tables present in memory, so that no first touch faults, once the loop is warm.

import { faultIn } from "../../ffi/shared-memory.ts";
import { HUGE_PAGE_BYTES } from "../shape/layout.ts";
import type { Channels } from "./channel-files.ts";
import type { Runtime } from "./runtime.ts";

/** The longest that the tables wait to be faulted in for a loop that does not get warm. */
const WARM_MAX_MS = 1_000;
const WARM_LOOK_MS = 5;

/**
 * Faults the tables in. Before the loop is warm its compiler needs the cores and the right to map memory. A huge page at a
 * time: a thread that maps memory waits for the whole of a slice (0.2 ms, or 6 where a host gives the memory only now), and
 * so do signals and log lines.
 * @throws SystemError where memory is missing
 */
export async function faultInTables({ arena, layout, mailbox }: Runtime, channels: Channels): Promise<void> {
  const until = performance.now() + WARM_MAX_MS;
  while (!mailbox.warm && performance.now() < until) await Bun.sleep(WARM_LOOK_MS);
  // The channels, too: the page tables of their files. Those that are absent are plain memory and stay untouched.
  const tables = [{ at: 0, bytes: layout.channels[0].at }];
  const border = layout.options.hugeAlignOffset ?? 0;
  const present = layout.channels.filter((_, id) => channels.absent((other) => other === id).length === 0);
  for (const { at: from, bytes } of [...tables, ...present]) {
    for (let at = from, end = at; at < from + bytes; at = end) {
      if (mailbox.stopping) return;
      // Up to the next border of a huge page in memory.
      end = Math.min(from + bytes, at + HUGE_PAGE_BYTES - ((at + HUGE_PAGE_BYTES - border) % HUGE_PAGE_BYTES));
      faultIn(arena.memory, at, end - at);
      await new Promise(setImmediate);
    }
  }
}
