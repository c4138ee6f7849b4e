// The models by their names on the command line.

import type { Arena } from "../arena.ts";
import type { ArenaLayout } from "../layout.ts";
import { Evidence } from "../rank/evidence/evidence.ts";
import { IpSigner } from "../rank/ip-signer.ts";
import { IpSignerStake } from "../rank/ip-signer-stake.ts";
import type { Model, SenderStore } from "../rank/model.ts";
import type { StakeTable } from "../rank/stake-table.ts";
import type { SidecarSettings } from "./settings.ts";

/** What the sidecar needs of a model beside what the loop needs. */
export interface SidecarModel extends Model {
  readonly senders: SenderStore;
}

export function openModel(name: SidecarSettings["model"], arena: Arena, layout: ArenaLayout): SidecarModel {
  if (name === "evidence") return new Evidence(arena, layout);
  return name === "ip-signer" ? new IpSigner(arena, layout) : new IpSignerStake(arena, layout);
}

/** Gives a model its stakes, where it uses any. */
export function setStakes(model: SidecarModel, stakes: StakeTable): void {
  if (model instanceof IpSignerStake) model.setStakes(stakes);
}
