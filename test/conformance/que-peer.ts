// The published crate `que` at the other end of a channel, as a process of its own (test/rust/que-peer).

import { unlinkSync } from "node:fs";
import { join } from "node:path";
import { addressOf } from "../../ffi/shared-memory.ts";
import { Consumer } from "../../src/channel/consumer.ts";
import { type ChannelFile, type JoinResult, joinConsumer, joinProducer } from "../../src/channel/files.ts";
import { channelFileBytes, channelPath, type PageKind } from "../../src/channel/place.ts";
import { Producer } from "../../src/channel/producer.ts";
import { Arena } from "../../src/shape/arena.ts";
import { type ChannelRegion, HUGE_PAGE_BYTES } from "../../src/shape/layout.ts";
import { buildRust } from "../rust/build.ts";

export const rust = buildRust();
if (!rust.ok) console.log(`skipped: ${rust.reason}`);
const QUE_PEER = join(rust.binDir, "que-peer");

export interface Shape {
  readonly elementBytes: number;
  readonly capacity: number;
  readonly pages?: PageKind;
}

let channels = 0;

/** A channel of a unique name, and our own end of it in an arena. */
export class Place {
  readonly path: string;
  readonly arena: Arena;
  readonly region: ChannelRegion;
  #files: ChannelFile[] = [];

  constructor(
    readonly shape: Shape,
    readonly name: string = `${process.pid}_conformance_${channels++}`,
  ) {
    const pages = shape.pages ?? "standard";
    this.path = channelPath({ pages, prefix: "" }, this.name);
    const bytes = channelFileBytes(shape, pages);
    this.arena = Arena.reserve(bytes + 2 * HUGE_PAGE_BYTES);
    const base = addressOf(this.arena.memory);
    const at = Math.ceil((base + 1) / HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES - base;
    this.region = { at, bytes, capacity: shape.capacity, elementBytes: shape.elementBytes };
  }

  get arguments(): string[] {
    const { elementBytes, capacity, pages = "standard" } = this.shape;
    return ["--name", this.name, "--element", `${elementBytes}`, "--capacity", `${capacity}`, "--pages", pages];
  }

  produce(): Producer {
    this.#keep(joinProducer(this.arena, this.region, this.path));
    return new Producer(this.arena, this.region.at, this.shape.capacity, this.shape.elementBytes);
  }

  consume(): Consumer {
    this.#keep(joinConsumer(this.arena, this.region, this.path));
    const consumer = new Consumer(this.arena, this.region.at, this.shape.capacity, this.shape.elementBytes);
    consumer.join();
    return consumer;
  }

  /** Ends our side and removes the channel. */
  remove(): void {
    for (const file of this.#files) file.close();
    this.#files = [];
    try {
      unlinkSync(this.path);
    } catch {
      // the test never created it
    }
  }

  #keep(result: JoinResult): void {
    if (result.state !== "joined") throw new Error(`not joined: ${JSON.stringify(result)}`);
    this.#files.push(result.channel);
  }
}

export type Answer = Record<string, number | string | boolean | number[]>;

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true });
    let end = rest.indexOf("\n");
    for (; end >= 0; end = rest.indexOf("\n")) {
      yield rest.slice(0, end);
      rest = rest.slice(end + 1);
    }
  }
}

/** A running peer. Its answers come as JSON lines. */
export class Peer {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncGenerator<string>;

  constructor(command: string, place: Place, more: readonly string[] = []) {
    this.#process = Bun.spawn([QUE_PEER, command, ...place.arguments, ...more], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#lines = lines(this.#process.stdout);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The next line that it prints. */
  async next(): Promise<Answer> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`que-peer ended with code ${await this.#process.exited}`);
    return JSON.parse(value) as Answer;
  }

  /** One step (the commands are in test/rust/que-peer/src/steps.rs). */
  async ask(command: string): Promise<Answer> {
    this.#process.stdin.write(`${command}\n`);
    this.#process.stdin.flush();
    return await this.next();
  }

  async end(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}
