// The eight channels as files, for the commands that create, remove and look at them.

import type { SystemError } from "../../../ffi/libc.ts";
import { findLayout } from "../../channel/found-layout.ts";
import { type ChannelPlace, type ChannelShape, channelPath } from "../../channel/place.ts";
import { Failure } from "../../failure.ts";
import type { Source } from "../../settings/arguments.ts";
import { UsageError } from "../../settings/errors.ts";
import { nearest } from "../../settings/nearest.ts";
import { CHANNELS, type ChannelSpec, capacityOf, elementBytes } from "../../shape/channels.ts";
import {
  type AskedPacketLayout,
  AUTO_PACKET_LAYOUT,
  type PacketLayout,
  USUAL_PACKET_LAYOUT,
} from "../../shape/packet-layouts.ts";

export interface NamedChannel {
  readonly spec: ChannelSpec;
  readonly path: string;
  readonly shape: ChannelShape;
}

export interface ChannelValues {
  readonly prefix: string;
  readonly useHugePages: boolean;
  readonly packetLayout: AskedPacketLayout;
}

export function placeOf(values: ChannelValues): ChannelPlace {
  return { pages: values.useHugePages ? "huge" : "standard", prefix: values.prefix };
}

/**
 * The packet layout that is asked for; of `auto` that of the channels that are there.
 * @param otherwise of `auto`, where no channel is there
 * @throws Failure for channels of several layouts
 */
export function layoutOf(values: ChannelValues, otherwise: PacketLayout = USUAL_PACKET_LAYOUT): PacketLayout {
  if (values.packetLayout !== AUTO_PACKET_LAYOUT) return values.packetLayout;
  const found = findLayout(placeOf(values));
  if (found.state === "mixed") throw new Failure(found.message);
  return found.state === "found" ? found.layout : otherwise;
}

/**
 * An empty --prefix that was typed is a shell variable that was not set: it would name the production channels.
 * @throws UsageError
 */
export function refuseEmptyPrefix(prefix: string, source: Source): void {
  if (prefix !== "" || source !== "flag") return;
  throw new UsageError(
    '--prefix: "" is empty (a variable that is not set?); for the channels without a prefix leave the flag out',
  );
}

export function namedChannels(place: ChannelPlace, packetLayout: PacketLayout): NamedChannel[] {
  return CHANNELS.map((spec) => ({
    spec,
    path: channelPath(place, spec.name),
    shape: { capacity: capacityOf(spec, packetLayout), elementBytes: elementBytes(spec, packetLayout) },
  }));
}

/** A channel by its name, with or without the prefix; or a sentence that names the nearest. */
export function findChannel(channels: readonly NamedChannel[], prefix: string, name: string): NamedChannel | string {
  const found = channels.find(({ spec }) => spec.name === name || prefix + spec.name === name);
  if (found !== undefined) return found;
  const names = channels.map(({ spec }) => spec.name);
  const meant = nearest(name, names);
  const hint = meant === undefined ? `; there are ${names.join(", ")}` : ` (did you mean ${meant}?)`;
  return `no channel is named "${name}"${hint}`;
}

/** A failed call on a channel's file, told to whom called the command. */
export function failureOf(error: SystemError): Failure {
  const isForeign = error.code === "EACCES" || error.code === "EPERM";
  return new Failure(isForeign ? `${error.message}; run this as the owner of the files or as root` : error.message);
}

/** How long somebody's heartbeat is watched: a sidecar beats each turn, the slowest (backing off) many times in this. */
export const LIFE_WATCH_MS = 300;
