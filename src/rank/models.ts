// The models: one row for each. Whatever differs from model to model outside of the loop is asked of the row, not of the
// name. To add a model, add its file or folder here in rank/, and a row. Tables of its own need a region as well
// (shape/layout.ts).
//
// Names stand in configuration files, checkpoints and metrics: don't rename them. The first one is the usual one.

import type { Arena } from "../shape/arena.ts";
import type { ArenaLayout } from "../shape/layout.ts";
import { Evidence } from "./evidence/evidence.ts";
import { EvidenceReader } from "./evidence/evidence-reader.ts";
import type { Model, SenderStore } from "./model.ts";
import { IpSigner } from "./reference/ip-signer.ts";
import { IpSignerStake } from "./reference/ip-signer-stake.ts";
import { ScoreReader } from "./reference/score-reader.ts";
import type { ScoreRows } from "./score-rows.ts";

/** What the sidecar needs of a model beside what the loop needs. */
export interface SidecarModel extends Model {
  readonly senders: SenderStore;
}

/** A model's senders, for readers on other threads. */
export interface ScoreReaders {
  readonly ips: ScoreRows;
  readonly payers: ScoreRows;
  /** Staked peers' identities, each at an address; where the model knows them, and the packet layout has them. */
  readonly identities?: ScoreRows;
}

interface ModelRow {
  readonly name: string;
  open(arena: Arena, layout: ArenaLayout): SidecarModel;
  readers(arena: Arena, layout: ArenaLayout): ScoreReaders;
  /** Whether it asks for the payload's keyed hash; the kernel leaves it out for the others. */
  readonly needsPayloads: boolean;
  /** How a sender that is not known scores: as the median of those that are (engine.md, 5), or as a newcomer of its class. */
  readonly unknown: "median" | "newcomer";
  /** Whether a score comes with what it was made of: `qos simulate --explain` and `qos ctl explain` show it. */
  readonly explains: boolean;
}

const scoreReaders = (arena: Arena, layout: ArenaLayout): ScoreReaders => ({
  ips: new ScoreReader(arena, layout.ips),
  payers: new ScoreReader(arena, layout.signers),
});

const ROWS = [
  {
    name: "evidence",
    open: (arena: Arena, layout: ArenaLayout) => new Evidence(arena, layout),
    readers: (arena: Arena, layout: ArenaLayout) => ({
      ips: new EvidenceReader(arena, layout, "ips"),
      payers: new EvidenceReader(arena, layout, "payers"),
      ...(layout.identitiesAt === undefined ? {} : { identities: new EvidenceReader(arena, layout, "identities") }),
    }),
    needsPayloads: true,
    unknown: "newcomer",
    explains: true,
  },
  {
    name: "ip-signer",
    open: (arena: Arena, layout: ArenaLayout) => new IpSigner(arena, layout),
    readers: scoreReaders,
    needsPayloads: false,
    unknown: "median",
    explains: false,
  },
  {
    name: "ip-signer-stake",
    open: (arena: Arena, layout: ArenaLayout) => new IpSignerStake(arena, layout),
    readers: scoreReaders,
    needsPayloads: false,
    unknown: "median",
    explains: false,
  },
] as const satisfies readonly ModelRow[];

export type ModelName = (typeof ROWS)[number]["name"];

export const MODELS = ROWS.map(({ name }) => name) as [ModelName, ...ModelName[]];

const rows: readonly ModelRow[] = ROWS;

export function modelRow(name: ModelName): ModelRow {
  return rows[MODELS.indexOf(name)];
}

/** The row of a name that came from elsewhere; undefined if no model is called so. */
export function modelNamed(name: unknown): ModelRow | undefined {
  return rows.find((row) => row.name === name);
}

export function openModel(name: ModelName, arena: Arena, layout: ArenaLayout): SidecarModel {
  return modelRow(name).open(arena, layout);
}

/** Readers of the model that an arena was laid out for; of the score tables where the layout names none. */
export function openReaders(arena: Arena, layout: ArenaLayout): ScoreReaders {
  return (modelNamed(layout.options.model)?.readers ?? scoreReaders)(arena, layout);
}
