// Writes a recording, a chunk at a time. It never overwrites a file: the file must be a new one.

import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { Failure, messageOf } from "../../failure.ts";
import { PACKET_CHANNELS } from "../../shape/channels.ts";
import { PACKET_LAYOUTS, type PacketLayout, type PacketShape } from "../../shape/packet-layouts.ts";
import {
  CHECKSUM_BYTES,
  CHUNK_BASE_BYTES,
  CHUNK_BYTES_AT,
  CHUNK_HEAD_BYTES,
  CHUNK_KIND_AT,
  CHUNK_MAX_BYTES,
  CHUNK_NUMBER_AT,
  CHUNK_PACKETS_AT,
  checksum,
  END_BYTES,
  END_MICROS_AT,
  END_MISSED_AT,
  END_PACKETS_AT,
  HEADER_BYTES,
  HEADER_CHECKSUM_AT,
  KIND_END,
  KIND_PACKETS,
  MAGIC,
  MAGIC_AT,
  PACKET_BYTES_AT,
  PACKET_CHANNEL_AT,
  PACKET_HEAD_BYTES,
  PACKET_MICROS_AT,
  PACKET_PAYLOAD_AT,
  payloadBytes,
  RECORDING_MAX_BYTES,
  STARTED_AT,
  VERSION,
  VERSION_AT,
} from "./format.ts";

/** For its owner alone: it holds senders' addresses and packets. */
const FILE_MODE = 0o600;
const U32_MAX = 0xffff_ffff;

export class RecordingWriter {
  /** By packet channel. */
  readonly packets: number[] = PACKET_CHANNELS.map(() => 0);
  /** Bytes of the file, those that are not written yet included. */
  bytes = 0;

  readonly #fd: number;
  readonly #shape: PacketShape;
  readonly #chunk = new Uint8Array(CHUNK_HEAD_BYTES + CHUNK_MAX_BYTES + CHECKSUM_BYTES);
  readonly #view = new DataView(this.#chunk.buffer);
  #seed = 0n;
  #at = 0;
  #inChunk = 0;
  #chunks = 0;
  /** Packets of chunks that were written whole. */
  #written = 0;
  #baseMicros = 0;

  /**
   * @param startedMs milliseconds since 1970
   * @throws Failure if the file exists already, or cannot be made
   */
  constructor(
    readonly path: string,
    layout: PacketLayout,
    startedMs: number,
  ) {
    this.#shape = PACKET_LAYOUTS[layout];
    try {
      this.#fd = openSync(path, "wx", FILE_MODE);
    } catch (error) {
      const isThere = (error as NodeJS.ErrnoException).code === "EEXIST";
      throw new Failure(isThere ? `${path} is there already, and nothing is overwritten` : cannot(path, error));
    }
    this.#writeHeader(startedMs);
  }

  /** Whether there is room for another packet and the end. */
  get hasRoom(): boolean {
    const { length } = this.#chunk;
    return this.bytes + 2 * length < RECORDING_MAX_BYTES;
  }

  /**
   * Adds a packet.
   * @param channel 0 to 3
   * @param element as it stands in the channel
   * @param micros since the start, never less than the one before
   */
  add(channel: number, element: Uint8Array, micros: number): void {
    const { bytes, sizeAt, payloadMaxBytes } = this.#shape;
    const view = new DataView(element.buffer, element.byteOffset, element.byteLength);
    const payload = payloadBytes(view, sizeAt, payloadMaxBytes);
    const meta = bytes - sizeAt;
    const needed = PACKET_HEAD_BYTES + meta + payload;
    const isFull = this.#at + needed > CHUNK_HEAD_BYTES + CHUNK_MAX_BYTES;
    if (this.#inChunk > 0 && (isFull || micros - this.#baseMicros > U32_MAX)) this.#flush();
    if (this.#inChunk === 0) this.#begin(micros);
    const at = this.#at;
    this.#view.setUint32(at + PACKET_MICROS_AT, micros - this.#baseMicros, true);
    this.#view.setUint32(at + PACKET_CHANNEL_AT, channel, true);
    this.#view.setUint16(at + PACKET_PAYLOAD_AT, payload, true);
    this.#chunk.set(element.subarray(sizeAt, sizeAt + meta), at + PACKET_HEAD_BYTES);
    this.#chunk.set(element.subarray(0, payload), at + PACKET_HEAD_BYTES + meta);
    this.#at += needed;
    this.bytes += needed;
    this.#inChunk += 1;
    this.packets[channel] += 1;
  }

  /** Writes the packets in memory, so that few are unwritten while none comes. */
  flush(): void {
    if (this.#inChunk > 0) this.#flush();
  }

  /** Ends the recording. @param missed by packet channel: overwritten before they could be read */
  end(micros: number, missed: readonly number[]): void {
    this.flush();
    const at = CHUNK_HEAD_BYTES;
    const word = (offset: number, value: number): void => this.#view.setBigUint64(at + offset, BigInt(value), true);
    word(END_MICROS_AT, micros);
    PACKET_CHANNELS.forEach((id, i) => {
      word(END_PACKETS_AT + 8 * i, this.packets[id]);
      word(END_MISSED_AT + 8 * i, missed[id] ?? 0);
    });
    this.#writeChunk(KIND_END, END_BYTES);
    closeSync(this.#fd);
  }

  /**
   * Gives up. A file with whole chunks stays, to be salvaged; one without packets goes.
   * @returns packets that are in the file, whole
   */
  abandon(): number {
    closeSync(this.#fd);
    if (this.#written === 0) unlinkSync(this.path);
    return this.#written;
  }

  #writeHeader(startedMs: number): void {
    const bytes = new Uint8Array(HEADER_BYTES);
    const view = new DataView(bytes.buffer);
    bytes.set(new TextEncoder().encode(MAGIC), MAGIC_AT);
    view.setUint16(VERSION_AT, VERSION, true);
    view.setUint16(PACKET_BYTES_AT, this.#shape.bytes, true);
    view.setBigUint64(STARTED_AT, BigInt(Math.round(startedMs * 1_000)), true);
    this.#seed = checksum(bytes.subarray(0, HEADER_CHECKSUM_AT), 0n);
    view.setBigUint64(HEADER_CHECKSUM_AT, this.#seed, true);
    this.bytes += HEADER_BYTES;
    this.#write(bytes);
  }

  #begin(micros: number): void {
    this.#baseMicros = micros;
    this.#view.setBigUint64(CHUNK_HEAD_BYTES, BigInt(micros), true);
    this.#at = CHUNK_HEAD_BYTES + CHUNK_BASE_BYTES;
  }

  #flush(): void {
    this.bytes += CHUNK_HEAD_BYTES + CHUNK_BASE_BYTES + CHECKSUM_BYTES;
    this.#writeChunk(KIND_PACKETS, this.#at - CHUNK_HEAD_BYTES);
    this.#written += this.#inChunk;
    this.#inChunk = 0;
  }

  #writeChunk(kind: number, contentBytes: number): void {
    const view = this.#view;
    view.setUint32(CHUNK_KIND_AT, kind, true);
    view.setUint32(CHUNK_BYTES_AT, contentBytes, true);
    view.setUint32(CHUNK_PACKETS_AT, kind === KIND_PACKETS ? this.#inChunk : 0, true);
    view.setUint32(CHUNK_NUMBER_AT, this.#chunks++, true);
    const end = CHUNK_HEAD_BYTES + contentBytes;
    view.setBigUint64(end, checksum(this.#chunk.subarray(0, end), this.#seed), true);
    if (kind === KIND_END) this.bytes += end + CHECKSUM_BYTES;
    this.#write(this.#chunk.subarray(0, end + CHECKSUM_BYTES));
  }

  #write(bytes: Uint8Array): void {
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(this.#fd, bytes, done);
    } catch (error) {
      throw new Failure(cannot(this.path, error));
    }
  }
}

const cannot = (path: string, error: unknown): string => `cannot write the recording ${path}: ${messageOf(error)}`;
