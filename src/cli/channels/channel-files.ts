// The eight channels as files, for the commands that create, remove and look at them.

import type { SystemError } from "../../../ffi/libc.ts";
import { type ChannelPlace, type ChannelShape, channelPath } from "../../channel/place.ts";
import { Failure } from "../../failure.ts";
import type { Source } from "../../settings/arguments.ts";
import { UsageError } from "../../settings/errors.ts";
import { nearest } from "../../settings/nearest.ts";
import { CHANNELS, type ChannelSpec, capacityOf, elementBytes } from "../../shape/channels.ts";
import type { PacketLayout } from "../../shape/packet-layouts.ts";

export interface NamedChannel {
  readonly spec: ChannelSpec;
  readonly path: string;
  readonly shape: ChannelShape;
}

export interface ChannelValues {
  readonly prefix: string;
  readonly useHugePages: boolean;
  readonly packetLayout: PacketLayout;
}

export function placeOf(values: ChannelValues): ChannelPlace {
  return { pages: values.useHugePages ? "huge" : "standard", prefix: values.prefix };
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
