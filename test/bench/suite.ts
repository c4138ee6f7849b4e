// The suite: which lines there are, in groups. A group has a Rust process and an engine of its own, so that both sides'
// generators run in step whichever groups are asked for.

import { pinThread } from "../../ffi/thread.ts";
import { buildRust } from "../rust/build.ts";
import { type BaselineOptions, Baselines } from "./baselines.ts";
import { type Bench, type Line, measure } from "./bench.ts";
import { channelBenches } from "./channel-parts.ts";
import { kernelBenches } from "./kernel-parts.ts";
import { LoadedEngine, type LoadedOptions } from "./loaded-engine.ts";
import { modelBenches } from "./model-parts.ts";
import { type Mix, packetFile } from "./packets.ts";
import { Pipeline, withScores } from "./pipeline.ts";
import { type PipelineOptions, PipelineProcess } from "./pipeline-process.ts";
import { queueBenches } from "./queue-parts.ts";
import { storeBenches } from "./stores.ts";

export interface SuiteSettings {
  /** Of the usual work: 1, or less for a smoke run. */
  readonly scale: number;
  /** Packets between two emptyings of the queue, in the lines that have them. */
  readonly emptyEvery: number;
  readonly rounds: number;
  readonly warm: number;
  readonly tableSizes: readonly number[];
  /** Entries that the stores have and hold; the baselines always have 1,048,576. */
  readonly storeCapacity: number;
  /** Packets of a mix. */
  readonly packets: number;
  /** The core of both sides' measured threads. */
  readonly cpu: number | undefined;
  readonly withBaselines: boolean;
}

type Report = (line: Line) => void;

interface Parts {
  readonly packets: Uint8Array;
  readonly settings: SuiteSettings;
  readonly loaded: (options?: Partial<LoadedOptions>) => LoadedEngine;
  readonly pipeline: (options?: Partial<LoadedOptions>) => Pipeline;
  /** The same in a process of its own. */
  readonly ownPipeline: (options?: Partial<PipelineOptions>) => Promise<PipelineProcess>;
  readonly baselines: (options?: Partial<BaselineOptions>) => Promise<Baselines | undefined>;
}

function partsFor(mix: Mix, settings: SuiteSettings): Parts & { end(): Promise<void> } {
  const { path, bytes } = packetFile(mix, settings.packets);
  const { storeCapacity, cpu } = settings;
  const started: { end(): Promise<void> }[] = [];
  const pinned = cpu === undefined ? {} : { cpu };
  return {
    packets: bytes,
    settings,
    loaded: (options) => new LoadedEngine({ packets: bytes, storeCapacity, ...options }),
    pipeline: (options) => new Pipeline({ packets: bytes, storeCapacity, ...options }),
    ownPipeline: async (options) => {
      const one = new PipelineProcess({ packetsPath: path, storeCapacity, ...pinned, ...options });
      started.push(one);
      return await one.ready();
    },
    baselines: async (options) => {
      if (!settings.withBaselines) return undefined;
      const one = new Baselines({ packets: path, ...pinned, ...options });
      started.push(one);
      return await one.ready();
    },
    end: async () => {
      for (const one of started) await one.end();
    },
  };
}

/** The whole pipeline on one mix: the queue full, and the queue sent away now and then. */
async function pipelineBenches({ ownPipeline, baselines, settings }: Parts, mix: Mix): Promise<Bench[]> {
  const rounds = Math.max(1, Math.round(10 * settings.scale));
  // Of the worst mix some payers are in no table, and the medians differ: the baselines' is the root of a tree.
  const foldsScores = mix !== "worst";
  const bench = async (name: string, options: Partial<PipelineOptions>, emptyEvery: number): Promise<Bench> => {
    const ours = await ownPipeline(options);
    const theirs = await baselines();
    const { foldsScores = false } = options;
    return {
      name,
      unit: "packet",
      ours: () => ours.run(rounds, emptyEvery),
      theirs: theirs && (async () => withScores(await theirs.run(`pipeline ${rounds} ${emptyEvery}`), foldsScores)),
      same: true,
    };
  };
  return [
    await bench(`pipeline, ${mix}`, { foldsScores }, 0),
    await bench(`pipeline, ${mix}, emptied every 100,000`, { foldsScores }, settings.emptyEvery),
    ...(mix === "corpus"
      ? [
          await bench("pipeline, corpus, evidence", { model: "evidence" }, 0),
          await bench("pipeline, corpus, evidence, emptied", { model: "evidence" }, settings.emptyEvery),
        ]
      : []),
  ];
}

const GROUPS: Readonly<Record<string, (settings: SuiteSettings) => [Mix, (parts: Parts) => Promise<Bench[]>]>> = {
  channel: ({ scale }) => [
    "corpus",
    async ({ pipeline, baselines }) =>
      channelBenches(pipeline({ storeFill: 64 }), await baselines({ storeFill: 0 }), scale),
  ],
  kernel: ({ scale }) => [
    "corpus",
    async ({ loaded, baselines }) => kernelBenches(loaded({ storeFill: 64 }), await baselines({ storeFill: 0 }), scale),
  ],
  stores: ({ scale }) => [
    "corpus",
    async ({ loaded, baselines }) => storeBenches(loaded(), await baselines({ tableFill: 0 }), scale),
  ],
  queue: ({ scale }) => [
    "corpus",
    async ({ loaded, baselines }) => queueBenches(loaded({ storeFill: 64 }), await baselines({ storeFill: 0 }), scale),
  ],
  model: ({ scale, tableSizes }) => [
    "corpus",
    async ({ packets, baselines }) => modelBenches(packets, await baselines({ storeFill: 0 }), tableSizes, scale),
  ],
  "pipeline-small": () => ["small", (parts) => pipelineBenches(parts, "small")],
  "pipeline-corpus": () => ["corpus", (parts) => pipelineBenches(parts, "corpus")],
  "pipeline-worst": () => ["worst", (parts) => pipelineBenches(parts, "worst")],
};

export const GROUP_NAMES = Object.keys(GROUPS);

/** Runs the groups whose name contains `only`. */
export async function runSuite(settings: SuiteSettings, only: string, report: Report): Promise<void> {
  if (settings.withBaselines) buildRust();
  let pinned = false;
  for (const [name, groupOf] of Object.entries(GROUPS)) {
    if (!name.includes(only)) continue;
    const [mix, open] = groupOf(settings);
    const parts = partsFor(mix, settings);
    const benches = await open(parts);
    // Not before: threads that the compiler and the collector start would share the core.
    if (!pinned && settings.cpu !== undefined) pinThread(settings.cpu);
    pinned = true;
    for (const bench of benches) report(await measure(bench, settings.rounds, settings.warm));
    await parts.end();
  }
}
