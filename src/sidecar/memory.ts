// The sidecar's arena: reserved once, with the channels' regions at addresses that huge pages can be laid over.

import { addressOf } from "../../ffi/shared-memory.ts";
import { endOfWarmUp } from "../engine/warm-up.ts";
import { Failure, messageOf } from "../failure.ts";
import type { SidecarSettings } from "../settings/sidecar-settings.ts";
import { Arena } from "../shape/arena.ts";
import { type ArenaLayout, arenaLayout, HUGE_PAGE_BYTES, type LayoutOptions, LIST_ENTRIES } from "../shape/layout.ts";
import { OUTCOME_RECORDS } from "../shape/record-layout.ts";

export interface SidecarMemory {
  readonly arena: Arena;
  readonly layout: ArenaLayout;
}

/** The smallest ring. */
const FATES_MIN = 64;

/** A ring holds a power of two. */
const ringRecords = (wanted: number): number => Math.max(FATES_MIN, 2 ** Math.ceil(Math.log2(wanted)));

/** @throws Failure if the tables do not fit an arena */
export function reserveMemory(settings: SidecarSettings): SidecarMemory {
  const options: LayoutOptions = {
    packetLayout: settings.packetLayout,
    maxIps: settings.maxIps,
    maxSigners: settings.maxSigners,
    model: settings.model,
    ...(settings.database === undefined ? {} : { outcomeRecords: OUTCOME_RECORDS }),
    ...(settings.allowFile === undefined && settings.denyFile === undefined ? {} : { listEntries: LIST_ENTRIES }),
    ...(settings.fates === 0 ? {} : { fateRecords: ringRecords(settings.fates) }),
  };
  try {
    // Where the memory lies is known only once it is there; an aligned start costs a huge page at most.
    const arena = Arena.reserve(endOfWarmUp(arenaLayout(options)) + HUGE_PAGE_BYTES);
    const misaligned = addressOf(arena.memory) % HUGE_PAGE_BYTES;
    const hugeAlignOffset = misaligned === 0 ? 0 : HUGE_PAGE_BYTES - misaligned;
    return { arena, layout: arenaLayout({ ...options, hugeAlignOffset }) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Failure(`no memory for the tables: ${messageOf(error)}; lower --max-ips, --max-signers or --fates`);
  }
}
