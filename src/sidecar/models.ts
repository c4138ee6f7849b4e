// The models by their names on the command line.

import { Evidence } from "../rank/evidence/evidence.ts";
import type { Model, SenderStore } from "../rank/model.ts";
import { IpSigner } from "../rank/reference/ip-signer.ts";
import { IpSignerStake } from "../rank/reference/ip-signer-stake.ts";
import type { SidecarSettings } from "../settings/sidecar-settings.ts";
import type { Arena } from "../shape/arena.ts";
import type { ArenaLayout } from "../shape/layout.ts";

/** What the sidecar needs of a model beside what the loop needs. */
export interface SidecarModel extends Model {
  readonly senders: SenderStore;
}

export function openModel(name: SidecarSettings["model"], arena: Arena, layout: ArenaLayout): SidecarModel {
  if (name === "evidence") return new Evidence(arena, layout);
  return name === "ip-signer" ? new IpSigner(arena, layout) : new IpSignerStake(arena, layout);
}
