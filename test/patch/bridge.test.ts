// The bridge's own tests, which cargo runs: channels against the crate `que`, what is told and what is not, and the whole
// bridge against a sidecar that dies and comes back.

import { describe, expect, test } from "bun:test";
import { NEW_FILES } from "../../src/patch/sources.ts";
import { AGAVE, buildAgave, findCargo } from "../rust/build.ts";

const rust = buildAgave();

describe("the bridge", () => {
  test.skipIf(!rust.ok)(
    "passes its own tests (needs cargo)",
    () => {
      const run = Bun.spawnSync(
        [findCargo() ?? "cargo", "test", "--workspace", "--release", "--locked", "--color", "never"],
        {
          cwd: AGAVE,
          stdout: "pipe",
          stderr: "pipe",
        },
      );
      const out = run.stdout.toString();
      expect(run.exitCode === 0 ? "" : `${out}\n${run.stderr}`).toBe("");
      const passed = [...out.matchAll(/(\d+) passed; 0 failed/g)].reduce((sum, [, count]) => sum + Number(count), 0);
      expect(passed).toBeGreaterThanOrEqual(20);
    },
    300_000,
  );

  test("has nothing that ends a thread of the validator", () => {
    const ends = /\.(unwrap|expect)\(|\b(panic|unreachable|assert|assert_eq|todo|unimplemented)!|process::(exit|abort)/;
    const found = NEW_FILES.flatMap(({ path, text }) =>
      text.split("\n").flatMap((line, i) => (ends.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });

  test("reads the environment in one place, and only QOS_CHANNELS", () => {
    const reads = NEW_FILES.flatMap(({ text }) => text.match(/env::\w+\("\w+"\)/g) ?? []);
    expect(reads).toEqual(['env::var_os("QOS_CHANNELS")']);
  });
});
