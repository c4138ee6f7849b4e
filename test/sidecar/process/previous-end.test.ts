import { afterEach, expect, test } from "bun:test";
import { chownSync, rmSync, writeFileSync } from "node:fs";
import { Engine } from "../../../src/engine/engine.ts";
import { loadKernel } from "../../../src/kernel/kernel.ts";
import { STATUS_NAME, statusPath } from "../../../src/observe/status-reader.ts";
import { openModel } from "../../../src/rank/models.ts";
import { STATUS_BYTES } from "../../../src/shape/layout.ts";
import { shareRange } from "../../../src/sidecar/files/shared-file.ts";
import { previousEnd } from "../../../src/sidecar/process/previous-end.ts";
import { Watch } from "../../../src/sidecar/watch.ts";
import { runtimeFor, settingsFor, smallMemory } from "../parts.ts";
import { freshPrefix } from "../sidecar-process.ts";

let prefix = "";
afterEach(() => rmSync(statusPath(prefix), { force: true }));

/** A sidecar's status page, with its writer. */
function page() {
  prefix = freshPrefix();
  const memory = smallMemory();
  const { arena, layout } = memory;
  const file = shareRange(arena, layout.statusAt, STATUS_BYTES, `${prefix}${STATUS_NAME}`);
  if (typeof file === "string") throw new Error(file);
  const settings = settingsFor("--model", "ip-signer");
  const engine = new Engine(arena, layout, loadKernel(arena), openModel("ip-signer", arena, layout), settings);
  engine.turn(1);
  engine.publish(1);
  const watch = new Watch(runtimeFor(memory, settings), () => null);
  return { file, watch };
}

test("a sidecar that lives, ended well, or never was leaves nothing to tell", () => {
  const { file, watch } = page();
  watch.end("it seems");
  expect(previousEnd(prefix)).toBeUndefined();
  file.close();
  expect(previousEnd(prefix)).toBeUndefined();
});

test("a loop that died is told by its reason", () => {
  const { file, watch } = page();
  watch.end("the loop ended: out of luck");
  file.leave();
  expect(previousEnd(prefix)).toEqual({ pid: process.pid, reason: "the loop ended: out of luck" });
});

test("a page of a user whom nobody named tells nothing", () => {
  const { file, watch } = page();
  watch.end("believe me");
  file.leave();
  if (process.geteuid?.() !== 0) return; // only root can make somebody else's file
  chownSync(statusPath(prefix), 65_534, 65_534);
  expect(previousEnd(prefix)).toBeUndefined();
  expect(previousEnd(prefix, { uids: new Set([65_534]), gids: new Set() })?.reason).toBe("believe me");
});

test("a page without a reason, or of anybody's bytes, is of one that was killed", () => {
  const killed = "it was killed, or crashed";
  const { file } = page();
  file.leave();
  expect(previousEnd(prefix)).toEqual({ pid: 0, reason: killed });
  writeFileSync(statusPath(prefix), new Uint8Array(STATUS_BYTES).fill(0x7b));
  expect(previousEnd(prefix)).toEqual({ pid: 0, reason: killed });
});
