// Packets and recordings for tests.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PacketLayout, packetBytes } from "../../../src/shape/packet-layouts.ts";
import {
  CHECKSUM_BYTES,
  CHUNK_BYTES_AT,
  CHUNK_HEAD_BYTES,
  checksum,
  HEADER_BYTES,
  HEADER_CHECKSUM_AT,
} from "../../../src/simulator/capture/format.ts";
import type { Recording } from "../../../src/simulator/capture/reader.ts";
import { RecordingWriter } from "../../../src/simulator/capture/writer.ts";
import * as packet from "../../tools/agave-packet.ts";

export interface Parts {
  readonly layout?: PacketLayout;
  readonly ip?: readonly number[];
  readonly tag?: number;
  readonly port?: number;
  readonly flags?: number;
  readonly size?: bigint;
  /** The default values. */
  readonly filler?: number;
}

/** A channel's element. */
export function elementOf(payload: Uint8Array, parts: Parts = {}): Uint8Array {
  const element = new Uint8Array(packetBytes(parts.layout ?? "agave2")).fill(parts.filler ?? 0);
  const view = new DataView(element.buffer);
  const ip = parts.ip ?? [10, 1, 2, 3];
  element.set(payload);
  view.setBigUint64(packet.SIZE_AT, parts.size ?? BigInt(payload.length), true);
  element[packet.ADDRESS_TAG_AT] = parts.tag ?? (ip.length === 4 ? 0 : 1);
  element.set(ip, packet.ADDRESS_AT);
  view.setUint16(packet.PORT_AT, parts.port ?? 8_001, true);
  element[packet.FLAGS_AT] = parts.flags ?? 0;
  return element;
}

/** A packet as a recording has it: what lies between payload and size is not kept. */
export function keptOf(element: Uint8Array): Uint8Array {
  const kept = element.slice();
  const size = new DataView(kept.buffer).getBigUint64(packet.SIZE_AT, true);
  if (size <= BigInt(packet.PAYLOAD_MAX_BYTES)) kept.fill(0, Number(size), packet.SIZE_AT);
  return kept;
}

export interface Packet {
  readonly channel: number;
  readonly micros: number;
  readonly element: Uint8Array;
}

/** The whole packets of a recording. */
export function packetsOf({ bytes, at, channel, micros, layout, packets }: Recording): Packet[] {
  const meta = packetBytes(layout) - packet.SIZE_AT;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: packets }, (_, i) => {
    const element = new Uint8Array(packetBytes(layout));
    const from = at[i] + 8;
    const payload = view.getUint16(at[i] + 6, true);
    element.set(bytes.subarray(from, from + meta), packet.SIZE_AT);
    element.set(bytes.subarray(from + meta, from + meta + payload));
    return { channel: channel[i], micros: micros[i], element };
  });
}

export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "qos-recording-"));

  file(name = "traffic.rec"): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

export const STARTED_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** The bytes of a recording of these packets. */
export function recorded(
  packets: readonly Packet[],
  { layout = "agave2" as PacketLayout, endMicros = 10_000_000, missed = [0, 0, 0, 0] } = {},
): Uint8Array {
  using folder = new Folder();
  const writer = new RecordingWriter(folder.file(), layout, STARTED_MS);
  for (const { channel, element, micros } of packets) writer.add(channel, element, micros);
  writer.end(endMicros, missed);
  const bytes = new Uint8Array(readFileSync(folder.file()));
  if (bytes.length !== writer.bytes) throw new Error(`${bytes.length} bytes, and ${writer.bytes} were counted`);
  return bytes;
}

/** Corrects all checksums, as somebody would who makes up a recording. */
export function sealed(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const seed = checksum(bytes.subarray(0, HEADER_CHECKSUM_AT), 0n);
  view.setBigUint64(HEADER_CHECKSUM_AT, seed, true);
  for (let at = HEADER_BYTES; at + CHUNK_HEAD_BYTES < bytes.length; ) {
    const end = at + CHUNK_HEAD_BYTES + view.getUint32(at + CHUNK_BYTES_AT, true);
    if (end + CHECKSUM_BYTES > bytes.length) break;
    view.setBigUint64(end, checksum(bytes.subarray(at, end), seed), true);
    at = end + CHECKSUM_BYTES;
  }
  return bytes;
}
