// The eight channels (spec: wire.md, 5): names, directions, elements. Adding a channel starts with a row here.

import { AGAVE2_PACKET_BYTES, AGAVE4_PACKET_BYTES, SIGNATURE_BYTES } from "./packet-layout.ts";

export type PacketLayout = "agave2" | "agave4";
export type ChannelKind = "packets" | "output" | "failed" | "outcomes" | "confirmed";

export interface ChannelSpec {
  /** Name without the prefix, as on disk. */
  readonly name: string;
  readonly kind: ChannelKind;
  /** Bytes of an element; 0 stands for a packet of the layout in use. */
  readonly fixedElementBytes: number;
  readonly capacity: number;
  /** Who writes it and who reads it, for people. */
  readonly from: string;
  readonly to: string;
  /** Whether `--no-wait` insists on it. */
  readonly required: boolean;
}

const PACKETS = 32_768;
export const REMAINING_META_BYTES = 16;

const row = (
  name: string,
  kind: ChannelKind,
  fixedElementBytes: number,
  capacity: number,
  from: string,
  to: string,
  required: boolean,
): ChannelSpec => ({ name, kind, fixedElementBytes, capacity, from, to, required });

/** In the order in which a turn visits them; the index is the channel's id everywhere in the program. */
export const CHANNELS: readonly ChannelSpec[] = [
  row("tpu_to_qos", "packets", 0, PACKETS, "validator (TPU)", "qos", true),
  row("fwd_to_qos", "packets", 0, PACKETS, "validator (TPU forward)", "qos", true),
  row("re1_to_qos", "packets", 0, PACKETS, "relayer (TPU)", "qos", false),
  row("re2_to_qos", "packets", 0, PACKETS, "relayer (TPU forward)", "qos", false),
  row("sig_to_qos", "failed", 0, PACKETS, "sigverify (failed)", "qos", true),
  row("sch_to_qos", "outcomes", REMAINING_META_BYTES, PACKETS, "scheduler", "qos", true),
  row("tx_status_cache", "confirmed", SIGNATURE_BYTES, 1_048_576, "validator (confirmed)", "qos", false),
  row("qos_to_sig", "output", 0, PACKETS, "qos", "sigverify", false),
];

export const PACKET_CHANNELS = [0, 1, 2, 3] as const;
export const FAILED_CHANNEL = 4;
export const OUTCOME_CHANNEL = 5;
export const CONFIRMED_CHANNEL = 6;
export const OUTPUT_CHANNEL = 7;

export function packetBytes(layout: PacketLayout): number {
  return layout === "agave2" ? AGAVE2_PACKET_BYTES : AGAVE4_PACKET_BYTES;
}

export function elementBytes(spec: ChannelSpec, layout: PacketLayout): number {
  return spec.fixedElementBytes === 0 ? packetBytes(layout) : spec.fixedElementBytes;
}
