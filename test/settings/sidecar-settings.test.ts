import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../src/failure.ts";
import { readArguments } from "../../src/settings/arguments.ts";
import { UsageError } from "../../src/settings/errors.ts";
import { flagName } from "../../src/settings/flags.ts";
import { RUN_FLAGS } from "../../src/settings/run-flags.ts";
import { seedOf, settingName, settingsOf } from "../../src/settings/sidecar-settings.ts";

const settings = (...raw: string[]) => settingsOf(readArguments(raw, RUN_FLAGS, [], {}).values);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qos-run-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("settings", () => {
  test("of nothing are the documented defaults, frozen", () => {
    const defaults = settings();
    expect(defaults).toMatchObject({
      prefix: "",
      useHugePages: false,
      packetLayout: "auto",
      wait: true,
      xxhashSeed: undefined,
      targetPps: 1_000_000,
      maxAgeMs: 30_000,
      feeModel: "chain",
      ipv6: "64",
      model: "evidence",
      maxIps: 10_000,
      maxSigners: 10_000,
      idle: "spin",
      logIntervalMs: 5_000,
      statsIntervalMs: 5_000,
      allowRoot: false,
    });
    expect(Object.isFrozen(defaults)).toBe(true);
  });

  test("the reference's command line", () => {
    expect(
      settings(
        "--xxhash-seed",
        "420",
        "--target-pps",
        "500",
        "--max-signers",
        "7",
        "--max-ips",
        "8",
        "--use-huge-pages",
      ),
    ).toMatchObject({ xxhashSeed: 420n, targetPps: 500, maxSigners: 7, maxIps: 8, useHugePages: true });
  });

  test("each flag reaches its setting", () => {
    const flags: [string[], Record<string, unknown>][] = [
      [["--fee-model", "reference"], { feeModel: "reference" }],
      [["--model", "ip-signer-stake", "--stake-file", "s"], { model: "ip-signer-stake", stakeFile: "s" }],
      [["--ipv6", "drop"], { ipv6: "drop" }],
      [["--max-age", "2m"], { maxAgeMs: 120_000 }],
      [["--cpu", "3"], { cpu: 3 }],
      [["--idle", "backoff"], { idle: "backoff" }],
      [["--user", "sol"], { user: "sol" }],
      [["--no-wait"], { wait: false }],
      [["--state", "f"], { stateFile: "f" }],
      [["--duration", "10s"], { durationMs: 10_000 }],
      [["--stats-json", "f"], { statsJsonFile: "f" }],
      [["--log-interval", "500ms"], { logIntervalMs: 500 }],
      [["--allow-root"], { allowRoot: true }],
      [["--packet-layout", "agave4"], { packetLayout: "agave4" }],
      [["--prefix", "a_"], { prefix: "a_" }],
      [["--json"], { json: true }],
    ];
    for (const [raw, expected] of flags) expect(settings(...raw)).toMatchObject(expected);
  });
});

test("every row of the table is a setting, a duration in Ms, a file in File", () => {
  const expected = Object.entries(RUN_FLAGS).map(([name, row]) => settingName(name, row));
  expect(Object.keys(settings()).sort()).toEqual([...expected, "database"].sort());
  expect(settings("--db-keep", "2m", "--deny", "d", "--db-spill-mib", "7")).toMatchObject({
    dbKeepMs: 120_000,
    denyFile: "d",
    dbSpillMib: 7,
  });
});

describe("refused", () => {
  const table: [string[], string][] = [
    [["--target-pps", "9"], '--target-pps: "9" is not allowed; expected a whole number from 10 to 4294967295'],
    [["--target-pps", "lots"], '--target-pps: "lots" is not allowed; expected a whole number from 10 to 4294967295'],
    [["--max-ips", "0"], '--max-ips: "0" is not allowed; expected a whole number from 1 to 1000000'],
    [
      ["--max-signers", "1000001"],
      '--max-signers: "1000001" is not allowed; expected a whole number from 1 to 1000000',
    ],
    [
      ["--max-age", "60"],
      '--max-age: "60" is not allowed; expected a time with its unit (such as 500ms, 10s, 2m) from 100ms to 1d',
    ],
    [
      ["--model", "ip-singer"],
      '--model: "ip-singer" is not allowed (did you mean ip-signer?); expected evidence, ip-signer or ip-signer-stake',
    ],
    [
      ["--prefix", "../x"],
      '--prefix: "../x" is not allowed; expected up to 100 letters, digits, _ . or -, beginning with a letter, a digit or _',
    ],
    [
      ["--xxhash-seed", "18446744073709551616"],
      "--xxhash-seed: that value is not allowed; expected a whole number from 0 to 18446744073709551615",
    ],
    [["--user", "a:b"], `--user: "a:b" is not allowed; expected a user's name`],
    [["--stake-file", "f"], "--stake-file: the model evidence reads no stakes; add --model ip-signer-stake"],
  ];
  for (const [raw, message] of table) {
    test(raw.join(" "), () => expect(() => settings(...raw)).toThrow(new UsageError(message)));
  }

  test("every flag that is cut short by a letter is not taken, and itself suggested", () => {
    for (const [name, row] of Object.entries(RUN_FLAGS)) {
      const flag = flagName(name, row);
      const typed = flag.slice(0, -1);
      expect(() => settings(typed, "x")).toThrow(new RegExp(`unknown flag ${typed} \\(did you mean --`));
    }
  });
});

describe("the seed's file", () => {
  const file = (content: string | Uint8Array): string => {
    const path = join(folder, "seed");
    writeFileSync(path, content);
    return path;
  };
  const read = (content: string | Uint8Array) => seedOf({ xxhashSeed: undefined, xxhashSeedFile: file(content) });

  test("holds a seed and white space", () => {
    expect(read("420")).toBe(420n);
    expect(read(" 18446744073709551615\r\n")).toBe(18_446_744_073_709_551_615n);
  });

  test("is refused with anything else in it, which is not repeated", () => {
    for (const content of [
      "",
      "secret",
      "1 2",
      "-1",
      "18446744073709551616",
      new Uint8Array(1_000_000),
      "1".repeat(65),
    ]) {
      expect(() => read(content)).toThrow("holds no seed; expected a whole number from 0 to 18446744073709551615");
    }
    expect(() => read("hunter2")).not.toThrow("hunter2");
  });

  test("and the seed itself do not go together; a file that is not there fails", () => {
    expect(() => seedOf({ xxhashSeed: 1n, xxhashSeedFile: file("2") })).toThrow(UsageError);
    expect(() => seedOf({ xxhashSeed: undefined, xxhashSeedFile: join(folder, "none") })).toThrow(Failure);
  });
});
