// Reads a recording. The bytes may come from anybody: a file that is not exactly as format.ts says is refused with a sentence.

import { readFileSync, statSync } from "node:fs";
import { Failure, messageOf } from "../../failure.ts";
import { PACKET_CHANNELS } from "../../shape/channels.ts";
import { layoutOfBytes, PACKET_LAYOUTS, type PacketLayout } from "../../shape/packet-layouts.ts";
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
  metaBytes,
  PACKET_BYTES_AT,
  PACKET_CHANNEL_AT,
  PACKET_HEAD_BYTES,
  PACKET_MICROS_AT,
  PACKET_PAYLOAD_AT,
  payloadBytes,
  RECORDING_MAX_BYTES,
  RECORDING_MAX_MICROS,
  STARTED_AT,
  VERSION,
  VERSION_AT,
} from "./format.ts";

export interface Recording {
  readonly layout: PacketLayout;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly durationMicros: number;
  readonly packets: number;
  /** Of each packet: microseconds since the start (never falling), channel, and the offset of its head in `bytes`. */
  readonly micros: Float64Array;
  readonly channel: Uint8Array;
  readonly at: Uint32Array;
  /** The whole file. */
  readonly bytes: Uint8Array;
  /** What the recorder missed, by packet channel; 0 if the recording was salvaged, since its end would say that. */
  readonly missed: readonly number[];
  /** Bytes behind the last whole chunk of a salvaged recording that are left out; undefined for one that is whole. */
  readonly leftOut: number | undefined;
}

/**
 * Reads a recording's file.
 * @param salvage takes the whole chunks of one whose end is missing or damaged
 * @throws Failure that names the file and what is wrong
 */
export function openRecording(path: string, salvage = false): Recording {
  let bytes: Uint8Array;
  try {
    const facts = statSync(path);
    if (!facts.isFile()) throw new Error("it is not a plain file");
    if (facts.size > RECORDING_MAX_BYTES) throw new Error(`it has ${facts.size} bytes, more than any recording`);
    bytes = readFileSync(path);
  } catch (error) {
    throw new Failure(`cannot read the recording ${path}: ${messageOf(error)}`);
  }
  const read = readRecording(bytes, salvage);
  if (typeof read !== "string") return read;
  const whole = salvage ? undefined : readRecording(bytes, true);
  const remedy =
    typeof whole !== "object" || whole.packets === 0
      ? ""
      : `; --salvage replays the ${whole.packets} packets that are whole`;
  throw new Failure(`${path} cannot be replayed: ${read}${remedy}`);
}

/** @returns the recording, or what is wrong with it. @param salvage as above */
export function readRecording(bytes: Uint8Array, salvage = false): Recording | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readHeader(bytes, view);
  if (typeof header === "string") return header;
  const chunks = findChunks(bytes, view, header.seed);
  if (chunks.problem !== undefined && !salvage) return chunks.problem;
  return new Reading(bytes, view, header, chunks).read();
}

interface Header {
  readonly layout: PacketLayout;
  readonly startedMs: number;
  readonly seed: bigint;
}

/** The last moment that a Date can hold. */
const DATE_MAX_MS = 8.64e15;
const IMPOSSIBLE_TIMES = "its times are impossible";
const CUT = "it ends early: it was cut, or its recorder did not come to its end";

function readHeader(bytes: Uint8Array, view: DataView): Header | string {
  const isMine = [...MAGIC].every((letter, i) => bytes[MAGIC_AT + i] === letter.charCodeAt(0));
  if (!isMine) return "it is not a recording of qos inspect --record";
  if (bytes.length < HEADER_BYTES) return CUT;
  const version = view.getUint16(VERSION_AT, true);
  if (version !== VERSION) return `it is of version ${version}, and this qos reads version ${VERSION}`;
  const seed = view.getBigUint64(HEADER_CHECKSUM_AT, true);
  if (checksum(bytes.subarray(0, HEADER_CHECKSUM_AT), 0n) !== seed) return "its header is damaged";
  const elementBytes = view.getUint16(PACKET_BYTES_AT, true);
  const layout = layoutOfBytes(elementBytes);
  if (layout === undefined) return `its packets have ${elementBytes} bytes, which no layout has`;
  const startedMs = Number(view.getBigUint64(STARTED_AT, true)) / 1_000;
  if (startedMs > DATE_MAX_MS) return IMPOSSIBLE_TIMES;
  return { layout, startedMs, seed };
}

interface Chunks {
  /** Offsets of the chunks of packets. */
  readonly starts: readonly number[];
  readonly packets: number;
  /** Offset of the end's content; undefined if it was not reached. */
  readonly endAt: number | undefined;
  /** Offset behind the last whole chunk of packets. */
  readonly wholeUntil: number;
  /** Why the end was not reached. */
  readonly problem: string | undefined;
}

/** Walks over the chunks, as far as they are whole: their bounds, order and checksums. */
function findChunks(bytes: Uint8Array, view: DataView, seed: bigint): Chunks {
  const starts: number[] = [];
  let packets = 0;
  let at = HEADER_BYTES;
  /** @returns where the content of the end starts, or what is wrong with the chunk at `at`; undefined: it is one of packets */
  const next = (number: number): number | string | undefined => {
    if (at + CHUNK_HEAD_BYTES > bytes.length) return CUT;
    const kind = view.getUint32(at + CHUNK_KIND_AT, true);
    const contentBytes = view.getUint32(at + CHUNK_BYTES_AT, true);
    const count = view.getUint32(at + CHUNK_PACKETS_AT, true);
    const damaged = `chunk ${number} is damaged`;
    if (contentBytes > CHUNK_MAX_BYTES) return damaged;
    const end = at + CHUNK_HEAD_BYTES + contentBytes;
    if (end + CHECKSUM_BYTES > bytes.length) return CUT;
    if (checksum(bytes.subarray(at, end), seed) !== view.getBigUint64(end, true)) return damaged;
    if (view.getUint32(at + CHUNK_NUMBER_AT, true) !== number) return `chunk ${number} is missing or out of its place`;
    if (kind === KIND_END) {
      if (contentBytes !== END_BYTES || count !== 0) return damaged;
      return end + CHECKSUM_BYTES === bytes.length ? at + CHUNK_HEAD_BYTES : "something follows its end";
    }
    if (kind !== KIND_PACKETS || count === 0) return damaged;
    // Every packet takes bytes: a count that promises more than there can be is found here, before room is reserved for it.
    if (contentBytes < CHUNK_BASE_BYTES + count * PACKET_HEAD_BYTES) return damaged;
    starts.push(at);
    packets += count;
    at = end + CHECKSUM_BYTES;
    return undefined;
  };
  for (let number = 0; ; number++) {
    const found = next(number);
    if (found === undefined) continue;
    const isEnd = typeof found === "number";
    return {
      starts,
      packets,
      endAt: isEnd ? found : undefined,
      wholeUntil: at,
      problem: isEnd ? undefined : found,
    };
  }
}

class Reading {
  readonly #micros: Float64Array;
  readonly #channel: Uint8Array;
  readonly #at: Uint32Array;
  readonly #counted = PACKET_CHANNELS.map(() => 0);
  #read = 0;
  #lastMicros = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly view: DataView,
    private readonly header: Header,
    private readonly chunks: Chunks,
  ) {
    this.#micros = new Float64Array(chunks.packets);
    this.#channel = new Uint8Array(chunks.packets);
    this.#at = new Uint32Array(chunks.packets);
  }

  read(): Recording | string {
    const { view, chunks, header } = this;
    for (const [number, start] of chunks.starts.entries()) {
      if (!this.#readChunk(start)) return `chunk ${number} has a packet that no recorder writes`;
    }
    const found = {
      layout: header.layout,
      startedMs: header.startedMs,
      packets: chunks.packets,
      micros: this.#micros,
      channel: this.#channel,
      at: this.#at,
      bytes: this.bytes,
    };
    const { endAt } = chunks;
    if (endAt === undefined) {
      const leftOut = this.bytes.length - chunks.wholeUntil;
      return { ...found, durationMicros: this.#lastMicros, missed: PACKET_CHANNELS.map(() => 0), leftOut };
    }
    const word = (offset: number): number => Number(view.getBigUint64(endAt + offset, true));
    const durationMicros = word(END_MICROS_AT);
    if (durationMicros > RECORDING_MAX_MICROS || durationMicros < this.#lastMicros) return IMPOSSIBLE_TIMES;
    const asCounted = PACKET_CHANNELS.every((_, i) => word(END_PACKETS_AT + 8 * i) === this.#counted[i]);
    if (!asCounted) return "it has other packets than its end says";
    const missed = PACKET_CHANNELS.map((_, i) => word(END_MISSED_AT + 8 * i));
    return { ...found, durationMicros, missed, leftOut: undefined };
  }

  /** @returns false if the chunk holds something impossible */
  #readChunk(start: number): boolean {
    const { view } = this;
    const meta = metaBytes(this.header.layout);
    const { payloadMaxBytes } = PACKET_LAYOUTS[this.header.layout];
    let at = start + CHUNK_HEAD_BYTES;
    const end = at + view.getUint32(start + CHUNK_BYTES_AT, true);
    const baseMicros = Number(view.getBigUint64(at, true));
    at += CHUNK_BASE_BYTES;
    for (let left = view.getUint32(start + CHUNK_PACKETS_AT, true); left > 0; left--) {
      if (at + PACKET_HEAD_BYTES + meta > end) return false;
      const channel = view.getUint16(at + PACKET_CHANNEL_AT, true);
      const payload = view.getUint16(at + PACKET_PAYLOAD_AT, true);
      const micros = baseMicros + view.getUint32(at + PACKET_MICROS_AT, true);
      if (channel >= PACKET_CHANNELS.length) return false;
      if (payload !== payloadBytes(view, at + PACKET_HEAD_BYTES, payloadMaxBytes)) return false;
      if (micros < this.#lastMicros || micros > RECORDING_MAX_MICROS) return false;
      this.#micros[this.#read] = micros;
      this.#channel[this.#read] = channel;
      this.#at[this.#read] = at;
      this.#read += 1;
      this.#counted[channel] += 1;
      this.#lastMicros = micros;
      at += PACKET_HEAD_BYTES + meta + payload;
    }
    return at === end;
  }
}
