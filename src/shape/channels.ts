// The channels (spec: wire.md, 5): names, directions, elements. To add a channel of a known kind, add a row here and raise
// nothing else: ids, loops and capacities follow from the rows. A new kind needs its reader in engine/engine.ts as well.
//
// A channel's name is its file's name, and stands in databases and recordings' statistics: don't rename it. Its id is its
// place in this list; the database keeps names, and nothing else outlives a process, so rows may be put anywhere.

import { SIGNATURE_BYTES } from "./packet-layout.ts";
import { type ChannelKind, PACKET_LAYOUTS, type PacketLayout, packetBytes } from "./packet-layouts.ts";

export interface ChannelSpec {
  /** Name without the prefix, as on disk. */
  readonly name: string;
  readonly kind: ChannelKind;
  /** Its writer and its reader, as people read it. */
  readonly from: string;
  readonly to: string;
  /** Whether `--no-wait` insists on it. */
  readonly required: boolean;
}

export const REMAINING_META_BYTES = 16;

const row = <Name extends string>(name: Name, kind: ChannelKind, from: string, to: string, required: boolean) => ({
  name,
  kind,
  from,
  to,
  required,
});

const ROWS = [
  row("tpu_to_qos", "packets", "validator (TPU)", "qos", true),
  row("fwd_to_qos", "packets", "validator (TPU forward)", "qos", true),
  row("re1_to_qos", "packets", "relayer (TPU)", "qos", false),
  row("re2_to_qos", "packets", "relayer (TPU forward)", "qos", false),
  row("sig_to_qos", "failed", "sigverify (failed)", "qos", true),
  row("sch_to_qos", "outcomes", "scheduler", "qos", true),
  row("tx_status_cache", "confirmed", "validator (confirmed)", "qos", false),
  row("qos_to_sig", "output", "qos", "sigverify", false),
];

export type ChannelName = (typeof ROWS)[number]["name"];

/** In the order in which a turn visits those of one kind; the index is the channel's id everywhere in the program. */
export const CHANNELS: readonly (ChannelSpec & { readonly name: ChannelName })[] = ROWS;

/** The id of each channel, by its name. */
export const CHANNEL = Object.fromEntries(CHANNELS.map(({ name }, id) => [name, id])) as Readonly<
  Record<ChannelName, number>
>;

/** Ids of the channels that carry packets to score. */
export const PACKET_CHANNELS: readonly number[] = idsOf("packets");
/** The engine has one reader for each of the other kinds, and one output. */
export const FAILED_CHANNEL = onlyOf("failed");
export const OUTCOME_CHANNEL = onlyOf("outcomes");
export const CONFIRMED_CHANNEL = onlyOf("confirmed");
export const OUTPUT_CHANNEL = onlyOf("output");
/** Ids of the channels that the sidecar reads. */
export const INPUT_CHANNELS: readonly number[] = CHANNELS.map((_, id) => id).filter((id) => id !== OUTPUT_CHANNEL);

function idsOf(kind: ChannelKind): number[] {
  return CHANNELS.flatMap((spec, id) => (spec.kind === kind ? [id] : []));
}

function onlyOf(kind: ChannelKind): number {
  const ids = idsOf(kind);
  if (ids.length !== 1) throw new Error(`there are ${ids.length} channels of the kind ${kind}, and the engine takes 1`);
  return ids[0];
}

/** Whether a channel's elements are packets: whether the packet layout says their bytes. */
export function hasPackets({ kind }: ChannelSpec): boolean {
  return kind !== "outcomes" && kind !== "confirmed";
}

/** Bytes of an element of a channel. */
export function elementBytes(spec: ChannelSpec, layout: PacketLayout): number {
  if (spec.kind === "outcomes") return REMAINING_META_BYTES;
  return spec.kind === "confirmed" ? SIGNATURE_BYTES : packetBytes(layout);
}

/** Elements of a channel, a power of two. */
export function capacityOf(spec: ChannelSpec, layout: PacketLayout): number {
  return PACKET_LAYOUTS[layout].capacities[spec.kind];
}

/**
 * Capacities for all channels, by id, where the usual ones are too large: for tests and simulations.
 * @param usual elements of a channel of a kind that is not named
 */
export function smallCapacities(usual: number, kinds: Readonly<Partial<Record<ChannelKind, number>>> = {}): number[] {
  return CHANNELS.map(({ kind }) => kinds[kind] ?? usual);
}
