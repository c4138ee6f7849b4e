import { expect, test } from "bun:test";
import { BlockRoom } from "../../../src/rank/evidence/block-room.ts";
import { HOPELESS, HOPELESS_UNKNOWN } from "../../../src/rank/evidence/constants.ts";
import { Estimates } from "../../../src/rank/evidence/estimates.ts";
import { EvidenceTable } from "../../../src/rank/evidence/evidence-table.ts";
import { Presence } from "../../../src/rank/evidence/presence.ts";
import { Arena } from "../../../src/shape/arena.ts";
import { arenaLayout } from "../../../src/shape/layout.ts";
import { smallLayout } from "./rig.ts";

test("who is unknown is hopeless sooner than who has a record, each at its own bound", () => {
  const layout = arenaLayout({ ...smallLayout, evidenceSets: 64 });
  const arena = Arena.reserve(layout.bytes);
  const table = new EvidenceTable(arena, layout.evidence);
  const see = new Estimates(arena, table, new BlockRoom(), new Presence(arena, layout.presence));
  const isHopeless = (address: number, lands: number): boolean => {
    see.address = address;
    see.pGood = 1;
    see.pLands = lands;
    return see.isHopeless;
  };
  const known = table.findOrAdd(1, 3, 0);
  expect(HOPELESS).toBeLessThan(HOPELESS_UNKNOWN);
  expect([isHopeless(known, HOPELESS), isHopeless(known, 0.999 * HOPELESS)]).toEqual([false, true]);
  expect([isHopeless(0, HOPELESS_UNKNOWN), isHopeless(0, 0.999 * HOPELESS_UNKNOWN)]).toEqual([false, true]);
});
