// Which packet layout the channels of a place have: their files' sizes and capacities say it, so that nobody has to.

import { closeFile, statPath } from "../../ffi/shared-memory.ts";
import { CHANNELS, capacityOf, elementBytes, hasPackets } from "../shape/channels.ts";
import { PACKET_LAYOUT_NAMES, type PacketLayout } from "../shape/packet-layouts.ts";
import { openToRead } from "./files.ts";
import { ANYBODY, strangersChannel, type Trust } from "./owners.ts";
import { type ChannelPlace, channelPath } from "./place.ts";

export type FoundLayout =
  /** `names`: the channels that say it, without the prefix. */
  | { readonly state: "found"; readonly layout: PacketLayout; readonly names: readonly string[] }
  /** Channels of several layouts. `message` names them all, and the remedy. */
  | { readonly state: "mixed"; readonly message: string }
  /** No channel says a layout. `problem`: why a file that is there does not. */
  | { readonly state: "none"; readonly problem: string | undefined };

/** What one channel's file says. */
type Said = { readonly layout: PacketLayout } | { readonly problem: string } | undefined;

/**
 * Looks at the channels that carry packets; a file that is not initialised yet says nothing. Nothing is changed.
 * @param trust whose files are believed
 */
export function findLayout(place: ChannelPlace, trust: Trust = ANYBODY): FoundLayout {
  const names = new Map<PacketLayout, string[]>();
  let problem: string | undefined;
  for (const spec of CHANNELS.filter(hasPackets)) {
    const said = layoutOfFile(channelPath(place, spec.name), spec, trust);
    if (said === undefined) continue;
    if ("problem" in said) problem ??= said.problem;
    else names.set(said.layout, [...(names.get(said.layout) ?? []), spec.name]);
  }
  const found = [...names];
  if (found.length === 0) return { state: "none", problem };
  if (found.length === 1) return { state: "found", layout: found[0][0], names: found[0][1] };
  return { state: "mixed", message: mixed(place, found) };
}

function mixed({ prefix }: ChannelPlace, found: readonly (readonly [PacketLayout, readonly string[]])[]): string {
  const each = found.map(([layout, names]) => `${layout} (${names.map((name) => prefix + name).join(", ")})`);
  return (
    `the channels have packets of different layouts: ${each.join(" and ")}; remove those of the wrong one (their ` +
    "producers make them anew), or have qos init --force --packet-layout LAYOUT make all eight anew"
  );
}

function layoutOfFile(path: string, spec: (typeof CHANNELS)[number], trust: Trust): Said {
  const facts = trust === ANYBODY ? undefined : statPath(path);
  const stranger = facts?.kind === "file" ? strangersChannel(path, facts, trust) : undefined;
  if (stranger !== undefined) return { problem: stranger };
  let problem: string | undefined;
  for (const layout of PACKET_LAYOUT_NAMES) {
    const shape = { capacity: capacityOf(spec, layout), elementBytes: elementBytes(spec, layout) };
    const opened = openToRead(path, shape);
    if (typeof opened === "number") {
      closeFile(opened);
      return { layout };
    }
    if (opened.state !== "refused") return undefined;
    problem = opened.message;
    if (opened.kind !== "size" && opened.kind !== "capacity") break;
  }
  return problem === undefined ? undefined : { problem };
}
