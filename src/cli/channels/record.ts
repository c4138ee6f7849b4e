// `qos inspect --record FILE`: the packets of live packet channels, with the times at which they were seen. It reads through
// descriptors that may not write, like all of inspect: nobody is disturbed, and what was overwritten first is counted.

import { closeFile, statFile } from "../../../ffi/shared-memory.ts";
import { openToRead, sameFile } from "../../channel/files.ts";
import { Peek } from "../../channel/snapshot.ts";
import { Failure, messageOf } from "../../failure.ts";
import type { PacketLayout } from "../../shape/packet-layouts.ts";
import { RECORDING_MAX_MICROS } from "../../simulator/capture/format.ts";
import { RecordingWriter } from "../../simulator/capture/writer.ts";
import type { Output } from "../output.ts";
import type { NamedChannel } from "./channel-files.ts";

/** How exact the times are. */
const LOOK_MS = 1;
/** How often channels are looked for that are not there, or were created anew. */
const FILES_MS = 500;
const FLUSH_MS = 1_000;
const MICROS_PER_MS = 1_000;

/** A channel under recording; absent ones are waited for. */
class Source {
  #fd = -1;
  #peek: Peek | undefined;
  #missedBefore = 0;
  #refused: string | undefined;

  /** @param id the packet channel's, 0 to 3 */
  constructor(
    readonly id: number,
    readonly channel: NamedChannel,
  ) {}

  get isOpen(): boolean {
    return this.#peek !== undefined;
  }

  /** Why it cannot be used, if it is there. */
  get refused(): string | undefined {
    return this.#refused;
  }

  get missed(): number {
    return this.#missedBefore + (this.#peek?.lapped ?? 0);
  }

  /** Opens a channel that is there. What is in it already is not recorded, unless it was created meanwhile. */
  look(first: boolean): void {
    const { path, shape } = this.channel;
    if (this.#peek !== undefined) {
      const identity = statFile(this.#fd, path);
      if (sameFile({ path, identity, bytes: identity.bytes })) return;
    }
    const opened = openToRead(path, shape);
    this.#refused = typeof opened !== "number" && opened.state === "refused" ? opened.message : undefined;
    if (typeof opened !== "number") return;
    this.close();
    this.#fd = opened;
    this.#peek = new Peek(opened, path, shape, first ? 0 : shape.capacity);
  }

  read(use: (channel: number, element: Uint8Array) => void): void {
    const peek = this.#peek;
    if (peek === undefined) return;
    while (peek.read((_, element) => use(this.id, element), Number.POSITIVE_INFINITY) > 0);
  }

  close(): void {
    if (this.#peek === undefined) return;
    this.#missedBefore += this.#peek.lapped;
    this.#peek = undefined;
    closeFile(this.#fd);
  }
}

export interface RecordOptions {
  readonly path: string;
  readonly packetLayout: PacketLayout;
  /** By id: those to be recorded. */
  readonly channels: readonly NamedChannel[];
  /** Undefined: until the signal. */
  readonly forMs: number | undefined;
  readonly stop: AbortSignal;
}

export interface Recorded {
  readonly path: string;
  readonly ms: number;
  readonly bytes: number;
  readonly packets: Readonly<Record<string, number>>;
  readonly missed: Readonly<Record<string, number>>;
  /** Whether the largest size or longest time of a recording ended it. */
  readonly isFull: boolean;
}

/**
 * Records until it is time, a signal comes or the recording is full.
 * @throws Failure; a file that holds packets by then stays, to be salvaged
 */
export async function record(options: RecordOptions, ids: readonly number[], out: Output): Promise<Recorded> {
  const sources = ids.map((id) => new Source(id, options.channels[id]));
  for (const source of sources) source.look(true);
  const refused = sources.find((one) => one.refused !== undefined)?.refused;
  if (refused !== undefined) throw new Failure(refused);
  if (!sources.some((one) => one.isOpen)) {
    const names = sources.map((one) => one.channel.path).join(", ");
    throw new Failure(
      `nothing to record: ${names} ${sources.length === 1 ? "is" : "are"} not there, or not initialised`,
    );
  }
  const writer = new RecordingWriter(options.path, options.packetLayout, Date.now());
  try {
    const open = sources.filter((one) => one.isOpen).map((one) => one.channel.spec.name);
    out.note(`recording ${open.join(", ")} into ${options.path}${options.forMs === undefined ? " until Ctrl-C" : ""}`);
    const { ms, isFull } = await fill(writer, sources, options);
    const missed = [0, 0, 0, 0];
    for (const source of sources) missed[source.id] = source.missed;
    writer.end(Math.round(ms * MICROS_PER_MS), missed);
    const named = (of: readonly number[]): Record<string, number> =>
      Object.fromEntries(sources.map(({ id, channel }) => [channel.spec.name, of[id]]));
    const { path, bytes, packets } = writer;
    return { path, ms: Math.round(ms), bytes, packets: named(packets), missed: named(missed), isFull };
  } catch (error) {
    const kept = writer.abandon();
    if (kept === 0) throw error;
    const remedy = `qos simulate --replay ${options.path} --salvage replays the ${kept} packets that it holds`;
    throw new Failure(`${messageOf(error)}; ${remedy}`);
  } finally {
    for (const source of sources) source.close();
  }
}

async function fill(writer: RecordingWriter, sources: readonly Source[], options: RecordOptions) {
  const started = performance.now();
  const mostMs = Math.min(options.forMs ?? Number.POSITIVE_INFINITY, RECORDING_MAX_MICROS / MICROS_PER_MS);
  let filesMs = 0;
  let flushedMs = 0;
  for (;;) {
    const ms = performance.now() - started;
    const isOver = options.stop.aborted || ms >= mostMs;
    const micros = Math.round(Math.min(ms, mostMs) * MICROS_PER_MS);
    const use = (channel: number, element: Uint8Array): void => {
      if (writer.hasRoom) writer.add(channel, element, micros);
    };
    for (const source of sources) source.read(use);
    if (isOver || !writer.hasRoom) {
      const isFull = !writer.hasRoom || (options.forMs === undefined && ms >= mostMs);
      return { ms: micros / MICROS_PER_MS, isFull };
    }
    if (ms - filesMs >= FILES_MS) {
      filesMs = ms;
      for (const source of sources) source.look(false);
    }
    if (ms - flushedMs >= FLUSH_MS) {
      flushedMs = ms;
      writer.flush();
    }
    await Bun.sleep(LOOK_MS);
  }
}

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });

/** What was recorded, as lines for people. */
export function describeRecorded({ path, ms, bytes, packets, missed, isFull }: Recorded): string[] {
  const sum = (of: Readonly<Record<string, number>>): number => Object.values(of).reduce((a, b) => a + b, 0);
  return [
    `${path}: ${whole.format(sum(packets))} packets in ${whole.format(ms / 1_000)} s, ${whole.format(bytes)} bytes`,
    ...Object.entries(packets).map(
      ([name, count]) => `  ${name}: ${whole.format(count)}, missed ${whole.format(missed[name])}`,
    ),
    ...(isFull ? ["it ended because a recording can hold no more"] : []),
  ];
}
