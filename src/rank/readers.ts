// The readers of a model's senders, by what the arena was laid out for.

import type { Arena } from "../shape/arena.ts";
import type { ArenaLayout } from "../shape/layout.ts";
import { EvidenceReader } from "./evidence/evidence-reader.ts";
import { ScoreReader } from "./reference/score-reader.ts";
import type { ScoreRows } from "./score-rows.ts";

export interface ScoreReaders {
  readonly ips: ScoreRows;
  readonly payers: ScoreRows;
}

export function openReaders(arena: Arena, layout: ArenaLayout): ScoreReaders {
  return layout.options.evidence === true
    ? { ips: new EvidenceReader(arena, layout, "ips"), payers: new EvidenceReader(arena, layout, "payers") }
    : { ips: new ScoreReader(arena, layout.ips), payers: new ScoreReader(arena, layout.signers) };
}
