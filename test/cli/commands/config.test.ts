import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { commentedConfig } from "../../../src/cli/commands/config.ts";
import { Failure } from "../../../src/failure.ts";
import { readArguments } from "../../../src/settings/arguments.ts";
import { CHANNEL_FLAGS } from "../../../src/settings/channel-flags.ts";
import { CONFIG_KEYS, parseConfig, readConfigFile } from "../../../src/settings/config-file.ts";
import { onOff } from "../../../src/settings/flags.ts";
import { RUN_FLAGS } from "../../../src/settings/run-flags.ts";
import { runText as run } from "../../tools/command-line.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qos-config-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const mistakesOf = (text: string) => parseConfig(text, "q.toml").mistakes;

describe("the file", () => {
  test("has a key for every flag of run but the one that names it", () => {
    expect(CONFIG_KEYS.map(({ name }) => name).sort()).toEqual(
      Object.keys(RUN_FLAGS)
        .filter((name) => name !== "config")
        .sort(),
    );
  });

  test("as it is first written is fine, also with every default taken in", () => {
    expect(mistakesOf(commentedConfig())).toEqual([]);
    const defaults = commentedConfig()
      .split("\n")
      .filter((line) => /^#[a-z0-9-]+ = /.test(line) && !line.includes("# none"))
      .map((line) => line.slice(1));
    const { values, mistakes } = parseConfig(defaults.join("\n"), "q.toml");
    expect(mistakes).toEqual([]);
    for (const { row, text } of values.values()) expect(row.parse(text)).toEqual(row.fallback);
    expect(values.size).toBeGreaterThan(20);
  });

  test("gives values of every kind, with the line of each", () => {
    const text = [
      "# a comment",
      'xxhash-seed = "18446744073709551615"',
      "target-pps = 5_000",
      'max-age = "1m30s"',
      "use-huge-pages = true",
      "db-sample = 0.5",
      '"fee-model" = "reference"',
      "ipv6 = 64",
    ].join("\n");
    const { values, mistakes } = parseConfig(text, "q.toml");
    expect(mistakes).toEqual([]);
    const read = readArguments([], RUN_FLAGS, [], {}, values);
    expect(read.values).toMatchObject({
      xxhashSeed: 18_446_744_073_709_551_615n,
      targetPps: 5_000,
      maxAge: 90_000,
      useHugePages: true,
      dbSample: 0.5,
      feeModel: "reference",
      ipv6: "64",
    });
    expect(read.sources.maxAge).toBe("file");
    expect(values.get("feeModel")?.from).toBe("q.toml, line 7");
  });

  test("is refused with its line and the nearest name", () => {
    expect(mistakesOf("\ntarget_pps = 5")).toEqual([
      'q.toml, line 2: unknown key "target_pps" (did you mean target-pps?)',
    ]);
    expect(mistakesOf("no-wait = true")).toEqual([
      'q.toml, line 1: unknown key "no-wait" (did you mean wait = false?)',
    ]);
    expect(mistakesOf("[run]\nidle = 'spin'")[0]).toStartWith('q.toml, line 1: unknown key "run"');
    expect(mistakesOf("target-pps = 5")[0]).toBe(
      'q.toml, line 1: target-pps: "5" is not allowed; expected a whole number from 10 to 4294967295',
    );
    expect(mistakesOf('target-pps = "5000"')).toEqual(["q.toml, line 1: target-pps: expected a whole number"]);
    expect(mistakesOf("idle = 'spin'\nidle = 'spin'")[0]).toStartWith("q.toml, line 2: ");
    expect(mistakesOf("idle = ")[0]).toStartWith("q.toml, line 1: ");
    expect(mistakesOf("config = 'other.toml'")[0]).toStartWith('q.toml, line 1: unknown key "config"');
    expect(mistakesOf("a = 1\nb = 2")).toHaveLength(2);
  });

  test("never repeats a secret", () => {
    const [mistake] = mistakesOf('xxhash-seed = "hunter2"');
    expect(mistake).toContain("line 1: xxhash-seed: that value is not allowed");
    expect(mistake).not.toContain("hunter2");
  });

  test("of any content is read or refused, never a fault", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" })), (text) => {
        for (const mistake of mistakesOf(text)) expect(mistake).toMatch(/^q\.toml, line \d+: /);
      }),
      { seed: 8 },
    );
    fc.assert(
      fc.property(fc.constantFrom(...CONFIG_KEYS), fc.jsonValue(), ({ key }, value) => {
        mistakesOf(`${key} = ${JSON.stringify(value)}`);
      }),
      { seed: 8 },
    );
  });

  test("that is none is said", () => {
    expect(() => readConfigFile(join(folder, "absent"))).toThrow(Failure);
    expect(() => readConfigFile(folder)).toThrow(/not a plain file/);
  });
});

test("a flag beats the environment, which beats the file, which beats the default", () => {
  const { values: file } = parseConfig('xxhash-seed = 1\nprefix = "f_"\nmax-ips = 3', "q.toml");
  const read = (raw: string[], env: Record<string, string>) => readArguments(raw, RUN_FLAGS, [], env, file);
  expect(read([], {}).values.xxhashSeed).toBe(1n);
  expect(read([], { QOS_XXHASH_SEED: "2" }).values.xxhashSeed).toBe(2n);
  const all = read(["--xxhash-seed", "3"], { QOS_XXHASH_SEED: "2" });
  expect(all.values).toMatchObject({ xxhashSeed: 3n, prefix: "f_", maxIps: 3, maxSigners: 10_000 });
  expect(all.sources).toMatchObject({ xxhashSeed: "flag", prefix: "file", maxSigners: "default" });
  expect(read([], { QOS_XXHASH_SEED: "2" }).sources.xxhashSeed).toBe("environment");
  const { values: switches } = parseConfig("wait = false\nuse-huge-pages = true", "q.toml");
  const off = readArguments(["--no-wait=false", "--use-huge-pages=false"], RUN_FLAGS, [], {}, switches).values;
  expect(off).toMatchObject({ wait: true, useHugePages: false });
  // Another command shares the rows of the channels, and nothing else of the same name.
  const other = { ...CHANNEL_FLAGS, maxIps: onOff({ help: "something else" }) };
  const shared = readArguments([], other, [], {}, file).values;
  expect(shared).toMatchObject({ prefix: "f_", maxIps: false });
});

const NOTE_TO_ROOT = "root alone can read it: chown it to the user that the sidecar runs as\n";

describe("qos config", () => {
  test("init writes a file for its owner alone, and never over another", async () => {
    const path = join(folder, "new.toml");
    const made = await run("config", "init", path);
    expect(made.code).toBe(0);
    expect(made.err).toBe(process.geteuid?.() === 0 ? NOTE_TO_ROOT : "");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).toBe(commentedConfig());
    const nowhere = await run("config", "init", join(path, "..", "no folder", "qos.toml"));
    expect([nowhere.code, nowhere.err.trim()]).toEqual([
      1,
      expect.stringMatching(/the folder .*no folder is not there: sudo mkdir -p '.*no folder'$/),
    ]);
    const again = await run("config", "init", path);
    expect(again).toMatchObject({ code: 1 });
    expect(again.err).toContain("is there already");
    expect((await run("config", "check", path)).code).toBe(0);
  });

  test("check says every mistake, and what does not go together", async () => {
    const path = join(folder, "wrong.toml");
    writeFileSync(path, "target_pps = 1\nmax-ips = 0\nprefix = 5\nother = 1\n");
    const wrong = await run("config", "check", path);
    expect(wrong).toMatchObject({ code: 1, out: "" });
    const lines = wrong.err.trim().split("\n");
    expect(lines.map((line) => /line (\d+):/.exec(line)?.[1])).toEqual(["1", "2", "3", "4"]);
    writeFileSync(path, 'stake-file = "/stakes"\n');
    expect(await run("config", "check", path)).toMatchObject({ code: 2 });
    expect((await run("run", "--config", path)).err).toContain("--stake-file");
    expect(await run("config", "check")).toMatchObject({ code: 2 });
  });

  test("show says where each value comes from, and hides secrets", async () => {
    const path = join(folder, "show.toml");
    writeFileSync(path, 'xxhash-seed = "420"\ntarget-pps = 500\n');
    const { code, out } = await run("config", "show", "--config", path, "--max-ips", "7");
    expect(code).toBe(0);
    const lines = out.split("\n").map((line) => line.split(/\s+#\s+/));
    expect(lines).toContainEqual(["target-pps = 500", `${path}, line 2`]);
    expect(lines).toContainEqual(["max-ips = 7", "--max-ips"]);
    expect(lines).toContainEqual(["xxhash-seed = (hidden)", `${path}, line 1`]);
    expect(lines).toContainEqual(['max-age = "30s"', "default"]);
    expect((await run("config", "shwo")).err).toContain("did you mean show?");
  });
});

test("show --json is JSON, with each value's source, and hides the seed", async () => {
  const { code, out } = await run("config", "show", "--json", "--target-pps", "50k", "--xxhash-seed", "42");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    "target-pps": { value: 50_000, from: "--target-pps" },
    "xxhash-seed": { value: "(hidden)", from: "--xxhash-seed" },
    "max-age": { value: 30_000, from: "default" },
    cpu: { value: null, from: "default" },
  });
});
