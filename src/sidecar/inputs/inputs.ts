// The operator's files that the sidecar reads while it runs: lists of senders and stakes.

import type { Runtime } from "../runtime.ts";
import { watchedLists } from "./lists.ts";
import { watchedStakes } from "./stakes.ts";
import { FileWatch } from "./watched-file.ts";

/** Reads them for the first time. @throws Failure if one cannot be read */
export async function openInputs(runtime: Runtime): Promise<FileWatch[]> {
  const { stakeFile, allowFile, denyFile } = runtime.settings;
  const watched = [watchedStakes(stakeFile, runtime), watchedLists(allowFile, denyFile, runtime)];
  const inputs = watched.flatMap((one) => (one === undefined ? [] : [new FileWatch(one, runtime.log)]));
  for (const input of inputs) await input.open();
  return inputs;
}
