// `qos init`: creates the eight channels, all or none.

import { SystemError } from "../../../ffi/libc.ts";
import { closeFile, statPath, unlinkPath } from "../../../ffi/shared-memory.ts";
import { findGroup, groupName, userName } from "../../../ffi/users.ts";
import { createChannel, openToRead } from "../../channel/files.ts";
import { strangersChannel, trustOf } from "../../channel/owners.ts";
import { type ChannelPlace, channelFileBytes, roomProblem } from "../../channel/place.ts";
import { describeUse, findLife, type Life } from "../../channel/snapshot.ts";
import { Failure } from "../../failure.ts";
import { CHANNEL_FLAGS, MADE_LAYOUT_FLAG } from "../../settings/channel-flags.ts";
import { EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { onOff, text } from "../../settings/flags.ts";
import type { PacketLayout } from "../../shape/packet-layouts.ts";
import {
  failureOf,
  LIFE_WATCH_MS,
  layoutOf,
  type NamedChannel,
  namedChannels,
  placeOf,
  refuseEmptyPrefix,
} from "../channels/channel-files.ts";
import { command } from "../command.ts";
import { table } from "../table.ts";

export interface InitOptions {
  readonly place: ChannelPlace;
  readonly packetLayout: PacketLayout;
  /** Permission bits; undefined: 0600, or 0660 with a group. */
  readonly mode: number | undefined;
  /** Group of the files; undefined: the caller's. */
  readonly gid: number | undefined;
  /** Removes channels that are there, before the new ones are made. */
  readonly force: boolean;
}

/** `completed`: somebody had opened it and waited for its creator. */
export type InitState = "created" | "re-created" | "completed" | "present";

export interface InitRow {
  readonly name: string;
  readonly state: InitState;
  readonly path: string;
  readonly capacity: number;
  readonly elementBytes: number;
  readonly bytes: number;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
}

export interface InitResult {
  readonly rows: readonly InitRow[];
  /** Sentences for the operator: differences from what was asked for, and processes that must join again. */
  readonly notes: readonly string[];
}

const MODE_PRIVATE = 0o600;
const MODE_GROUP = 0o660;
const MODE_OTHERS = 0o007;

/**
 * Creates the channels that are absent. All that exist are proved before any is made; if a creation fails, those of this
 * call are removed again.
 * @throws Failure with a sentence
 */
export async function initChannels(options: InitOptions): Promise<InitResult> {
  const channels = namedChannels(options.place, options.packetLayout);
  const notes: string[] = [];
  const replaced = options.force ? await removeOld(channels, notes) : new Set<string>();
  const wanting = channels.filter((channel) => !isPresent(channel));
  const bytes = wanting.reduce((sum, { shape }) => sum + channelFileBytes(shape, options.place.pages), 0);
  const problem = bytes === 0 ? undefined : roomProblem(options.place.pages, bytes);
  if (problem !== undefined) throw new Failure(`no channel was created: ${problem}${goneNote(replaced)}`);

  const mode = options.mode ?? (options.gid === undefined ? MODE_PRIVATE : MODE_GROUP);
  const made: string[] = [];
  const own = trustOf();
  const trust = options.gid === undefined ? own : { ...own, gids: new Set([...own.gids, options.gid]) };
  const rows = channels.map(({ spec, path, shape }): InitRow => {
    const result = createChannel(path, shape, { mode, ...(options.gid === undefined ? {} : { gid: options.gid }) });
    if (result.state === "refused") {
      for (const one of made) unlinkPath(one);
      throw new Failure(`${result.message}; no channel was created${goneNote(replaced)}`);
    }
    if (result.state === "created") made.push(path);
    if (result.state === "present") {
      notes.push(...differences(path, result.facts, options));
      const stranger = strangersChannel(path, result.facts, trust);
      if (stranger !== undefined) notes.push(stranger);
    }
    const state = result.state === "created" && replaced.has(path) ? "re-created" : result.state;
    return {
      name: spec.name,
      state,
      path,
      ...shape,
      bytes: result.facts.bytes,
      mode: result.facts.mode.toString(8).padStart(4, "0"),
      owner: userName(result.facts.uid),
      group: groupName(result.facts.gid),
    };
  });
  if (made.length > 0 && (mode & MODE_OTHERS) !== 0) {
    notes.push("any user of this host can open the channels: a process that can write them feeds the validator");
  }
  return { rows, notes };
}

/** Whether a channel is there. @throws Failure for a file that is not a channel of this shape */
function isPresent({ path, shape }: NamedChannel): boolean {
  const opened = openToRead(path, shape);
  if (typeof opened === "number") {
    closeFile(opened);
    return true;
  }
  if (opened.state === "refused") throw new Failure(`${opened.message}; no channel was created`);
  return false;
}

/** Removes the channels' files. A process that uses one goes on with memory that no other process sees; a note says so. */
async function removeOld(channels: readonly NamedChannel[], notes: string[]): Promise<Set<string>> {
  const there = channels.flatMap(({ path }) => {
    const facts = statPath(path);
    if (facts === undefined) return [];
    if (facts.kind === "folder") throw new Failure(`${path} is a folder: remove it; nothing was changed`);
    return [{ path, kind: facts.kind }];
  });
  const files = there.filter(({ kind }) => kind === "file").map(({ path }) => path);
  for (const life of await findLifeOrNobody(files)) {
    notes.push(`${life.path} was re-created under its ${describeUse(life)}, which must join it again`);
  }
  try {
    for (const { path } of there) unlinkPath(path);
  } catch (error) {
    throw failureOf(SystemError.from(error, channels[0].path));
  }
  return new Set(there.map(({ path }) => path));
}

async function findLifeOrNobody(paths: readonly string[]): Promise<Life[]> {
  try {
    return await findLife(paths, paths.length === 0 ? 0 : LIFE_WATCH_MS);
  } catch (error) {
    if (error instanceof SystemError) return []; // not ours to read; whether it is ours to remove shows at once
    throw error;
  }
}

const goneNote = (replaced: ReadonlySet<string>): string =>
  replaced.size === 0 ? "" : ` (the ${replaced.size} that were there are removed)`;

function differences(path: string, facts: { mode: number; gid: number }, options: InitOptions): string[] {
  const found: string[] = [];
  const octal = (mode: number): string => mode.toString(8).padStart(4, "0");
  if (options.mode !== undefined && facts.mode !== options.mode) {
    found.push(`has mode ${octal(facts.mode)}, not ${octal(options.mode)}`);
  }
  if (options.gid !== undefined && facts.gid !== options.gid) {
    found.push(`belongs to group ${groupName(facts.gid)}, not ${groupName(options.gid)}`);
  }
  return found.length === 0 ? [] : [`${path} stays as it is and ${found.join(" and ")}: --force re-creates it`];
}

const MIB = 1_048_576;

export default command({
  name: "init",
  summary: "creates the eight channels",
  about:
    "Creates the channels that are absent, for the validator and the sidecar to join. What is there stays as it is: " +
    "running it again changes nothing. All or none: what cannot be finished is taken back. With --group both sides can " +
    "run as users of their own, and a channel that is re-created later can still be joined.",
  flags: {
    ...CHANNEL_FLAGS,
    packetLayout: MADE_LAYOUT_FLAG,
    group: text({
      help: "group of the files, in which the users of both the validator and the sidecar are",
      hint: "NAME",
      fallback: undefined,
      pattern: /^[^\0]{1,256}$/,
      allowed: "a group's name or number",
    }),
    mode: text({
      help: "permissions of the files in octal; without it 0600, or 0660 with --group",
      hint: "MODE",
      fallback: undefined,
      pattern: /^0?[67][0-7]{2}$/,
      allowed: "octal permissions that let the owner read and write, such as 0660",
    }),
    force: onOff({ help: "re-create the channels that are there, in use or not" }),
    json: onOff({ help: "print JSON for machines" }),
  },
  examples: [
    { line: "qos init", says: "eight channels in /dev/shm for one user (about 455 MiB)" },
    { line: "sudo qos init --group validator --use-huge-pages", says: "on 2 MiB pages, for all users of a group" },
    {
      line: "qos init --packet-layout agave4",
      says: "for a validator that copies Agave's own packet, as it is from 4.0 on",
    },
    { line: "qos init --prefix test_", says: "another eight, with names of their own" },
  ],
  run: async ({ values, sources, out }) => {
    refuseEmptyPrefix(values.prefix, sources.prefix);
    const group = values.group === undefined ? undefined : findGroup(values.group);
    if (values.group !== undefined && group === undefined) {
      throw new UsageError(`--group: this host has no group "${values.group}"; groupadd creates one`);
    }
    const { rows, notes } = await initChannels({
      place: placeOf(values),
      packetLayout: layoutOf(values),
      mode: values.mode === undefined ? undefined : Number.parseInt(values.mode, 8),
      gid: group?.gid,
      force: values.force,
    });
    if (values.json) out.json({ channels: rows, notes });
    else {
      const cells = rows.map((row) => [
        row.name,
        row.state,
        row.capacity,
        row.elementBytes,
        Math.round((10 * row.bytes) / MIB) / 10,
        row.mode,
        `${row.owner}:${row.group}`,
        row.path,
      ]);
      for (const line of table(["channel", "state", "elements", "bytes", "MiB", "mode", "owner", "file"], cells)) {
        out.line(line);
      }
      for (const note of notes) out.note(note);
    }
    return EXIT_FINE;
  },
});
