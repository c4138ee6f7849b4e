// What can be said of a channel after watching it for a moment: its header, its file, the processes alive on it. It only reads.

import { lockHolder, statFile } from "../../../ffi/shared-memory.ts";
import { groupName, userName } from "../../../ffi/users.ts";
import { type HeaderSnapshot, readHeader } from "../../channel/snapshot.ts";
import { CHANNELS, OUTCOME_CHANNEL } from "../../shape/channels.ts";
import type { NamedChannel } from "./channel-files.ts";

export interface ChannelLook {
  readonly channel: string;
  readonly path: string;
  readonly from: string;
  readonly to: string;
  readonly capacity: number;
  readonly elementBytes: number;
  readonly bytes: number;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly tail: bigint;
  readonly head: bigint;
  readonly producerHeartbeat: bigint;
  readonly consumerHeartbeat: bigint;
  readonly elementsPerSecond: number;
  /** Whether the counters moved while they were watched. */
  readonly producerAlive: boolean;
  readonly consumerAlive: boolean;
  /** The process that holds the file's lock: the sidecar, on its output. */
  readonly lockedBy: number | undefined;
  /** `sch_to_qos` only: whether a seed stands in it. The seed itself is nobody's business here. */
  readonly seedStored: boolean | undefined;
}

/** Looks at a channel for a moment. @param fd open for reading, proved */
export async function lookAtChannel(channel: NamedChannel, fd: number, watchMs: number): Promise<ChannelLook> {
  const { spec, path, shape } = channel;
  const facts = statFile(fd, path);
  const before = readHeader(fd, path);
  const startedAt = performance.now();
  await Bun.sleep(watchMs);
  const after = readHeader(fd, path);
  const seconds = (performance.now() - startedAt) / 1_000;
  const moved = (field: keyof HeaderSnapshot): boolean => after[field] !== before[field];
  return {
    channel: spec.name,
    path,
    from: spec.from,
    to: spec.to,
    ...shape,
    bytes: facts.bytes,
    mode: facts.mode.toString(8).padStart(4, "0"),
    owner: userName(facts.uid),
    group: groupName(facts.gid),
    tail: after.tail,
    head: after.head,
    producerHeartbeat: after.producerHeartbeat,
    consumerHeartbeat: after.consumerHeartbeat,
    // A producer that began anew meanwhile has a smaller tail.
    elementsPerSecond: Math.max(0, Math.round(Number(after.tail - before.tail) / seconds)),
    producerAlive: moved("producerHeartbeat") || moved("tail"),
    consumerAlive: moved("consumerHeartbeat"),
    lockedBy: lockHolder(facts),
    seedStored: spec.name === CHANNELS[OUTCOME_CHANNEL].name ? after.metadataWord !== 0n : undefined,
  };
}

const alive = (is: boolean): string => (is ? "alive" : "still");

/** Heads of the table of all channels. */
export const OVERVIEW_HEAD = ["channel", "from", "to", "producer", "consumer", "per second", "published", "file"];

/** A channel's line of it. */
export function overviewCells(look: ChannelLook): (string | number)[] {
  const { channel, from, to, producerAlive, consumerAlive, elementsPerSecond, tail, mode, owner, group } = look;
  const ends = [alive(producerAlive), alive(consumerAlive)];
  return [channel, from, to, ...ends, elementsPerSecond, `${tail}`, `${mode} ${owner}:${group}`];
}

/** What was seen, for the terminal. */
export function describeLook(look: ChannelLook): string[] {
  const rows: [string, string][] = [
    ["channel", `${look.channel}, from ${look.from} to ${look.to}`],
    ["file", `${look.path}, ${look.bytes} bytes, ${look.mode} ${look.owner}:${look.group}`],
    ["elements", `${look.capacity} of ${look.elementBytes} bytes`],
    ["tail", `${look.tail} published, ${look.elementsPerSecond}/s`],
    ["producer", `${alive(look.producerAlive)}, heartbeat ${look.producerHeartbeat}`],
    ["consumer", `${alive(look.consumerAlive)}, heartbeat ${look.consumerHeartbeat}`],
  ];
  if (look.lockedBy !== undefined) rows.push(["locked by", `process ${look.lockedBy}`]);
  if (look.seedStored !== undefined) rows.push(["seed", look.seedStored ? "stored" : "none"]);
  return rows.map(([name, text]) => `${name.padEnd(10)}${text}`);
}
