// The packet layouts: one row for each. The type, the flag's choices, the field offsets, the channels' capacities and the
// largest packet all follow from the rows. To add a layout, add a row; the kernel finds the fields by the row's payload
// bytes, so it changes only where a layout needs more than its context has room for (a test says where).
//
// The names stand in configuration files and on command lines: don't rename them. A recording knows its layout by the
// bytes of a packet: no two layouts may have the same.

import * as at from "./packet-layout.ts";

/** What a channel carries (shape/channels.ts). */
export type ChannelKind = "packets" | "output" | "failed" | "outcomes" | "confirmed";

interface LayoutRow {
  /** Bytes of a packet in a channel; a multiple of 16, because the kernel copies packets in vectors. */
  readonly bytes: number;
  /** The longest payload. */
  readonly payloadMaxBytes: number;
  /** Whether the QUIC peer's identity key stands behind the flags. */
  readonly hasRemoteKey: boolean;
  /** Whether a packet is passed on whole, with the unused end of its payload, as the reference does it. */
  readonly isPassedWhole: boolean;
  /** Elements of a channel of each kind; powers of two. */
  readonly capacities: Readonly<Record<ChannelKind, number>>;
  /** Which validators use it, for people. */
  readonly users: string;
}

const PACKETS = 32_768;
const CAPACITIES = { packets: PACKETS, output: PACKETS, failed: PACKETS, outcomes: PACKETS, confirmed: 1_048_576 };
/** Large packets are three times as long: half of them take 1.6 times the memory. */
const LARGE_PACKETS = 16_384;

const ROWS = {
  agave2: {
    bytes: 1264,
    payloadMaxBytes: at.AGAVE_PAYLOAD_BYTES,
    hasRemoteKey: false,
    isPassedWhole: true,
    capacities: CAPACITIES,
    users: "Agave 2.x and 3.x",
  },
  agave4: {
    bytes: 1296,
    payloadMaxBytes: at.AGAVE_PAYLOAD_BYTES,
    hasRemoteKey: true,
    isPassedWhole: true,
    capacities: CAPACITIES,
    users: "Agave from 4.0 on",
  },
  large: {
    bytes: 4160,
    payloadMaxBytes: at.LARGE_PAYLOAD_BYTES,
    hasRemoteKey: true,
    isPassedWhole: false,
    capacities: { ...CAPACITIES, packets: LARGE_PACKETS, output: LARGE_PACKETS, failed: LARGE_PACKETS },
    users: "transactions of up to 4096 bytes, Agave from 4.1.2 on",
  },
} as const satisfies Readonly<Record<string, LayoutRow>>;

export type PacketLayout = keyof typeof ROWS;

/** A layout with the offsets of its fields. */
export interface PacketShape extends LayoutRow {
  readonly sizeAt: number;
  readonly addressTagAt: number;
  readonly addressAt: number;
  readonly portAt: number;
  readonly flagsAt: number;
  /** undefined if the layout has no such key. */
  readonly remoteKeyAt: number | undefined;
}

function shapeOf(row: LayoutRow): PacketShape {
  const end = row.payloadMaxBytes;
  return {
    ...row,
    sizeAt: end + at.FIELD_SIZE_AT,
    addressTagAt: end + at.FIELD_ADDRESS_TAG_AT,
    addressAt: end + at.FIELD_ADDRESS_AT,
    portAt: end + at.FIELD_PORT_AT,
    flagsAt: end + at.FIELD_FLAGS_AT,
    remoteKeyAt: row.hasRemoteKey ? end + at.FIELD_REMOTE_KEY_AT : undefined,
  };
}

export const PACKET_LAYOUT_NAMES = Object.keys(ROWS) as [PacketLayout, ...PacketLayout[]];

export const PACKET_LAYOUTS = Object.fromEntries(
  PACKET_LAYOUT_NAMES.map((name) => [name, shapeOf(ROWS[name])]),
) as Readonly<Record<PacketLayout, PacketShape>>;

/** The layout of channels that qos makes where nothing else is said: every transaction has room. */
export const USUAL_PACKET_LAYOUT: PacketLayout = "large";

/** Says that the channels that are there say the layout (channel/found-layout.ts). */
export const AUTO_PACKET_LAYOUT = "auto";
/** A layout as it is asked for. */
export type AskedPacketLayout = PacketLayout | typeof AUTO_PACKET_LAYOUT;

export function packetBytes(layout: PacketLayout): number {
  return PACKET_LAYOUTS[layout].bytes;
}

const shapes = Object.values(PACKET_LAYOUTS);
/** Bytes of the largest packet of all layouts. */
export const PACKET_MAX_BYTES = Math.max(...shapes.map(({ bytes }) => bytes));
/** The longest payload of all layouts. */
export const PAYLOAD_MAX_BYTES = Math.max(...shapes.map(({ payloadMaxBytes }) => payloadMaxBytes));

/** The first layout that has a place for a staked peer's identity. */
export const IDENTITY_PACKET_LAYOUT =
  PACKET_LAYOUT_NAMES.find((name) => ROWS[name].hasRemoteKey) ?? USUAL_PACKET_LAYOUT;

/** The layout that has room for every transaction. */
export const ROOMIEST_PACKET_LAYOUT = PACKET_LAYOUT_NAMES.reduce((most, name) =>
  PACKET_LAYOUTS[name].payloadMaxBytes > PACKET_LAYOUTS[most].payloadMaxBytes ? name : most,
);

/** @returns the layout whose packets have this many bytes; undefined if none has */
export function layoutOfBytes(bytes: number): PacketLayout | undefined {
  return PACKET_LAYOUT_NAMES.find((name) => PACKET_LAYOUTS[name].bytes === bytes);
}
