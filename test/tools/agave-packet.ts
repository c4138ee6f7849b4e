// The fields of Agave's flat packets for tests, as plain names: both layouts agree up to the flags.

import { PACKET_LAYOUTS } from "../../src/shape/packet-layouts.ts";

export * from "../../src/shape/packet-layout.ts";

const { agave2, agave4 } = PACKET_LAYOUTS;
export const PAYLOAD_MAX_BYTES = agave2.payloadMaxBytes;
export const SIZE_AT = agave2.sizeAt;
export const ADDRESS_TAG_AT = agave2.addressTagAt;
export const ADDRESS_AT = agave2.addressAt;
export const PORT_AT = agave2.portAt;
export const FLAGS_AT = agave2.flagsAt;
export const REMOTE_PUBKEY_AT = agave4.remoteKeyAt ?? Number.NaN;
export const AGAVE2_PACKET_BYTES = agave2.bytes;
export const AGAVE4_PACKET_BYTES = agave4.bytes;
