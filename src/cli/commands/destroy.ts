// `qos destroy`: removes the channels' files, unless somebody lives on them.

import { SystemError } from "../../../ffi/libc.ts";
import { closeFile, openExisting, statPath, unlinkPath } from "../../../ffi/shared-memory.ts";
import { type ChannelPlace, channelPath } from "../../channel/place.ts";
import { describeUse, findLife, readHeader } from "../../channel/snapshot.ts";
import { Failure } from "../../failure.ts";
import { statusPath } from "../../observe/status-reader.ts";
import { fatesPath } from "../../records/fates-header.ts";
import { CHANNEL_FLAGS } from "../../settings/channel-flags.ts";
import { EXIT_FINE } from "../../settings/errors.ts";
import { onOff } from "../../settings/flags.ts";
import { MAGIC } from "../../shape/channel-header.ts";
import { CHANNELS } from "../../shape/channels.ts";
import { removeStale } from "../../sidecar/files/shared-file.ts";
import { failureOf, LIFE_WATCH_MS, placeOf, refuseEmptyPrefix } from "../channels/channel-files.ts";
import { command } from "../command.ts";
import { table } from "../table.ts";

export interface DestroyRow {
  readonly name: string;
  readonly state: "removed" | "absent";
  readonly path: string;
}

/**
 * Removes the eight channels, or none of them.
 * @param force also removes channels in use and files that are not channels
 * @throws Failure that names the channels in use, or the file that is not a channel
 */
export async function destroyChannels(place: ChannelPlace, force: boolean): Promise<DestroyRow[]> {
  const channels = CHANNELS.map((spec) => ({ spec, path: channelPath(place, spec.name) }));
  const there = channels.filter(({ path }) => {
    const facts = statPath(path);
    if (facts?.kind === "folder") throw new Failure(`${path} is a folder and no channel; nothing was removed`);
    if (facts !== undefined && facts.kind !== "file" && !force) {
      throw new Failure(`${path} is not a regular file, so not a channel; nothing was removed (--force removes it)`);
    }
    return facts !== undefined;
  });
  try {
    if (!force) await refuseLiving(there.map(({ path }) => path));
    // What a sidecar that was killed has left behind; a living one's stays with it.
    for (const path of [fatesPath(place.prefix), statusPath(place.prefix)]) removeStale(path);
    return channels.map(({ spec, path }) => ({
      name: spec.name,
      path,
      state: unlinkPath(path) ? "removed" : "absent",
    }));
  } catch (error) {
    if (error instanceof SystemError) throw failureOf(error);
    throw error;
  }
}

async function refuseLiving(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const fd = openExisting(path, "read");
    try {
      const { magic } = readHeader(fd, path);
      if (magic !== MAGIC && magic !== 0n) {
        throw new Failure(`${path} is not a channel (wrong magic); nothing was removed (--force removes it)`);
      }
    } catch (error) {
      if (!(error instanceof SystemError) || error.code !== "EIO") throw error; // short: never initialised, nobody's
    } finally {
      closeFile(fd);
    }
  }
  const living = await findLife(paths, paths.length === 0 ? 0 : LIFE_WATCH_MS);
  if (living.length === 0) return;
  const rows = living.map((life) => [life.path, describeUse(life)]);
  const lines = table(["channel", "in use by"], rows).map((line) => `  ${line}`);
  throw new Failure(
    ["the channels are in use; nothing was removed. Stop what uses them, or add --force", ...lines].join("\n"),
  );
}

export default command({
  name: "destroy",
  summary: "removes the channels",
  about:
    "Removes the eight channels' files, after watching for a moment that nobody's heartbeat moves and nobody holds a lock. " +
    "Whatever packet layout they have. All or none. Memory that somebody still has mapped stays theirs until they let go of it.",
  flags: {
    ...CHANNEL_FLAGS,
    force: onOff({ help: "remove them even if somebody uses them" }),
    json: onOff({ help: "print JSON for machines" }),
  },
  examples: [
    { line: "qos destroy", says: "the channels in /dev/shm, if nobody uses them" },
    { line: "qos destroy --prefix test_ --force", says: "those of a test, even if a process uses them" },
  ],
  run: async ({ values, sources, out }) => {
    refuseEmptyPrefix(values.prefix, sources.prefix);
    const rows = await destroyChannels(placeOf(values), values.force);
    if (values.json) out.json({ channels: rows });
    else
      for (const line of table(
        ["channel", "state", "file"],
        rows.map((row) => [row.name, row.state, row.path]),
      ))
        out.line(line);
    return EXIT_FINE;
  },
});
