// What a configuration names, as `qos check` finds it: the faults that a start would meet, with the same flags.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findUser, groupName } from "../../../ffi/users.ts";
import type { Finding } from "../../../src/cli/host/finding.ts";
import { run } from "../../tools/command-line.ts";
import { filesOf, freshPrefix, init, removeChannels } from "../../tools/test-channels.ts";

let folder = "";
beforeAll(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "qos-check-"));
  fs.chmodSync(folder, 0o755);
});
afterAll(() => {
  removeChannels();
  fs.rmSync(folder, { recursive: true });
});

const IS_ROOT = process.geteuid?.() === 0;
const AS = IS_ROOT ? ["--allow-root"] : [];
const nobody = findUser("nobody");

/** Levels by name; a name that comes twice has the worse one. */
async function check(...flags: string[]): Promise<{ code: number; levels: Record<string, string>; all: Finding[] }> {
  const done = await run("check", "--json", "--idle", "backoff", ...flags);
  const all = done.parsed<Finding[]>();
  const levels: Record<string, string> = {};
  for (const { name, level } of all) if (levels[name] !== "fail") levels[name] = level;
  return { code: done.code, levels, all };
}

test("takes what run takes, and finds what a start would meet", async () => {
  const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const config = join(folder, "qos.toml");
  const lines = [
    `state = "${folder}/absent/scores"`,
    `deny = "${folder}/deny.txt"`,
    `db = "sqlite:${folder}/absent/qos.db"`,
    `stats-json = "${folder}/stats.json"`,
    `metrics = "127.0.0.1:${taken.port}"`,
    `prefix = "${freshPrefix()}"`,
    `target-pps = 5000`,
  ];
  fs.writeFileSync(config, `${lines.join("\n")}\n`);
  const { code, levels, all } = await check("--config", config, ...AS);
  taken.stop(true);
  expect(code).toBe(1);
  expect(levels).toMatchObject({
    config: "ok",
    state: "fail",
    deny: "fail",
    database: "fail",
    metrics: "fail",
    stats: "ok",
  });
  expect(all.find(({ name }) => name === "state")?.mend).toContain(`install -d -o`);

  fs.mkdirSync(`${folder}/absent`);
  fs.writeFileSync(`${folder}/deny.txt`, "");
  const mended = await check("--config", config, ...AS);
  expect(mended.levels).toMatchObject({ state: "ok", deny: "ok", database: "ok", "db spill": "ok", metrics: "ok" });
});

test("values that do not go together, and a user that is not there, are findings", async () => {
  const prefix = freshPrefix();
  const stakes = await check("--prefix", prefix, "--stake-file", "/x", ...AS);
  expect(stakes.all.find(({ name }) => name === "settings")).toMatchObject({ level: "fail" });
  const user = await check("--prefix", prefix, "--user", "no-such-user-here");
  expect(user.levels.user).toBe("fail");
  expect(user.code).toBe(1);
});

describe.skipIf(!IS_ROOT || nobody === undefined)("root judges as the user (needs root and the user nobody)", () => {
  test("channels of a group that the user is in are fine; an output of its own that the group cannot open is not", async () => {
    const prefix = freshPrefix();
    const group = groupName(nobody?.gid ?? 0);
    await init(prefix, "--group", group);
    const names = ["tpu_to_qos", "qos_to_sig"];
    const fine = await check("--prefix", prefix, "--user", "nobody");
    expect(names.map((name) => fine.levels[name])).toEqual(["warn", "warn"]); // the validator is silent

    // As a sidecar leaves it that ran before the channels were made for the group.
    const output = filesOf(prefix).find((path) => path.endsWith("qos_to_sig")) ?? "";
    fs.chownSync(output, nobody?.uid ?? 0, 0);
    fs.chmodSync(output, 0o600);
    const closed = await check("--prefix", prefix, "--user", "nobody");
    expect(names.map((name) => closed.levels[name])).toEqual(["warn", "fail"]);
    expect(closed.all.find(({ name }) => name === "qos_to_sig")?.mend).toBe(
      `chgrp ${group} ${output} && chmod 0660 ${output}`,
    );

    await init(prefix, "--force");
    expect((await check("--prefix", prefix, "--user", "nobody")).levels.tpu_to_qos).toBe("fail");
    expect((await check("--prefix", prefix, "--allow-root")).levels.tpu_to_qos).toBe("warn");
  });

  test("and so are files", async () => {
    const state = join(folder, "scores");
    fs.writeFileSync(state, "", { mode: 0o600 });
    const { levels } = await check("--prefix", freshPrefix(), "--user", "nobody", "--state", state);
    expect(levels).toMatchObject({ user: "ok", state: "fail" });
    expect((await check("--prefix", freshPrefix(), "--allow-root", "--state", state)).levels.state).toBe("ok");
  });
});
