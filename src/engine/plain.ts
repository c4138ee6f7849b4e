// The engine over plain memory: an arena of its own, all eight channels in it, and the cursors of the other side. What the
// simulator, the benchmark, the warm-up and the tests run; the sidecar does the same over shared-memory files.

import { Consumer } from "../channel/consumer.ts";
import { Producer } from "../channel/producer.ts";
import { type KernelSettings, writeKernelContext } from "../kernel/context.ts";
import { type Kernel, loadKernel } from "../kernel/kernel.ts";
import type { Model } from "../rank/model.ts";
import { Arena } from "../shape/arena.ts";
import { CAPACITY_AT, MAGIC, MAGIC_AT } from "../shape/channel-header.ts";
import { CHANNELS, OUTPUT_CHANNEL } from "../shape/channels.ts";
import { type ArenaLayout, arenaLayout, type LayoutOptions } from "../shape/layout.ts";
import { Engine } from "./engine.ts";
import { CHANNEL_OFFERED } from "./mailbox.ts";
import type { EngineSettings } from "./settings.ts";

export interface PlainEngineOptions {
  readonly layout: LayoutOptions;
  /** The kernel's settings; the packet layout is that of `layout`. */
  readonly context: Omit<KernelSettings, "packetLayout">;
  readonly engine: EngineSettings;
  readonly model: (arena: Arena, layout: ArenaLayout) => Model;
  /** Bytes of scratch for the caller, e.g. to make packets in; 64-byte aligned at `scratchAt`. */
  readonly scratchBytes?: number;
  /** Looks at what the engine asks of the kernel; for tests of moments that a real producer seldom hits. */
  readonly wrapKernel?: (kernel: Kernel) => Kernel;
  /** Where it is to lie in another engine's memory. */
  readonly within?: EnginePlace;
}

/** Zeroed memory of an arena from an offset on, and the kernel over that arena. */
export interface EnginePlace {
  readonly arena: Arena;
  readonly kernel: Kernel;
  readonly from: number;
}

export interface PlainEngine {
  readonly options: PlainEngineOptions;
  readonly arena: Arena;
  readonly layout: ArenaLayout;
  readonly kernel: Kernel;
  readonly model: Model;
  readonly engine: Engine;
  /** The validator's side of the inputs, by channel id; the output's entry is not to be used. */
  readonly producers: readonly Producer[];
  /** The validator's side of the output, joined at its start. */
  readonly output: Consumer;
  readonly scratchAt: number;
}

/** Builds an engine with all channels attached, in memory of its own or in a part of another's. Nothing outside is touched. */
export function plainEngine(options: PlainEngineOptions): PlainEngine {
  const { within } = options;
  const layout = arenaLayout(options.layout, within?.from);
  const arena = within?.arena ?? Arena.reserve(layout.bytes + (options.scratchBytes ?? 0));
  for (const region of layout.channels) {
    arena.u64[(region.at + CAPACITY_AT) / 8] = BigInt(region.capacity);
    arena.u64[(region.at + MAGIC_AT) / 8] = MAGIC;
  }
  writeKernelContext(arena, layout.contextAt, {
    ...options.context,
    packetLayout: options.layout.packetLayout,
    identitiesAt: layout.identitiesAt,
  });
  const kernel = within?.kernel ?? loadKernel(arena);
  const model = options.model(arena, layout);
  const engine = new Engine(arena, layout, options.wrapKernel?.(kernel) ?? kernel, model, options.engine);
  for (let id = 0; id < CHANNELS.length; id++) engine.mailbox.setChannelState(id, CHANNEL_OFFERED);
  engine.turn(0);
  const producers = layout.channels.map(
    ({ at, capacity, elementBytes }) => new Producer(arena, at, capacity, elementBytes, kernel),
  );
  const out = layout.channels[OUTPUT_CHANNEL];
  const output = new Consumer(arena, out.at, out.capacity, out.elementBytes, kernel);
  output.join();
  return { options, arena, layout, kernel, model, engine, producers, output, scratchAt: layout.bytes };
}
