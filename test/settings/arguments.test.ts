import { describe, expect, test } from "bun:test";
import { readArguments } from "../../src/settings/arguments.ts";
import { UsageError } from "../../src/settings/errors.ts";
import { choice, count, onOff, text, u64 } from "../../src/settings/flags.ts";

const TABLE = {
  targetPps: count({ help: "packets", min: 10, max: 1_000, fallback: 500 }),
  idle: choice(["spin", "backoff"], { help: "idle", fallback: "spin" }),
  seed: u64({ help: "seed", env: "TEST_SEED", secret: true }),
  prefix: text({ help: "prefix", fallback: "", pattern: /^[a-z_]*$/, allowed: "letters" }),
  json: onOff({ help: "json" }),
  wait: onOff({ help: "do not wait", fallback: true }),
};
const CHANNEL = [{ name: "CHANNEL", help: "which channel", required: true }];

const read = (raw: string[], env: Record<string, string> = {}) => readArguments(raw, TABLE, [], env);

describe("values", () => {
  test("defaults", () => {
    const { values, sources } = read([]);
    expect(values).toEqual({ targetPps: 500, idle: "spin", seed: undefined, prefix: "", json: false, wait: true });
    expect(new Set(Object.values(sources))).toEqual(new Set(["default"]));
    expect(Object.isFrozen(values)).toBe(true);
  });

  test("flags, with a space and with =", () => {
    const { values } = read(["--target-pps", "10", "--idle=backoff", "--json", "--no-wait", "--prefix="]);
    expect(values).toMatchObject({ targetPps: 10, idle: "backoff", json: true, wait: false, prefix: "" });
    expect(read(["--json=false"]).values.json).toBe(false);
  });

  test("a flag beats the environment beats the default", () => {
    expect(read([], { TEST_SEED: "7" }).values.seed).toBe(7n);
    expect(read([], { TEST_SEED: "7" }).sources.seed).toBe("environment");
    expect(read(["--seed", "18446744073709551615"], { TEST_SEED: "7" }).values.seed).toBe(18446744073709551615n);
    expect(read([], { TEST_SEED: "" }).values.seed).toBeUndefined();
  });

  test("positionals", () => {
    expect(readArguments(["tpu"], TABLE, CHANNEL, {}).positionals).toEqual(["tpu"]);
    expect(readArguments(["--json", "--", "--tpu"], TABLE, CHANNEL, {}).positionals).toEqual(["--tpu"]);
  });
});

describe("mistakes name themselves", () => {
  const table: [string[], string][] = [
    [["--target-pp", "500"], "unknown flag --target-pp (did you mean --target-pps?)"],
    [["--targetPps", "500"], "unknown flag --targetPps (did you mean --target-pps?)"],
    [["--wait"], "unknown flag --wait (did you mean --no-wait?)"],
    [["--no-json"], "unknown flag --no-json (did you mean --json?)"],
    [["--banana-split"], "unknown flag --banana-split"],
    [["-x"], "unknown flag -x"],
    [["--target-pps"], "--target-pps needs a value: a whole number from 10 to 1000"],
    [["--target-pps", "--json"], "--target-pps needs a value: a whole number from 10 to 1000"],
    [["--target-pps", "-5"], '--target-pps: "-5" is not allowed; expected a whole number from 10 to 1000'],
    [["--target-pps", "5"], '--target-pps: "5" is not allowed; expected a whole number from 10 to 1000'],
    [["--target-pps="], '--target-pps: "" is not allowed; expected a whole number from 10 to 1000'],
    [["--target-pps", "5", "--target-pps", "6"], "--target-pps is given twice"],
    [["--idle", "backof"], '--idle: "backof" is not allowed (did you mean backoff?); expected spin or backoff'],
    [["--json=maybe"], '--json: "maybe" is not allowed; expected true or false'],
    [["--no-wait=yes"], '--no-wait: "yes" is not allowed; expected true or false'],
    [["surplus"], 'unexpected "surplus"'],
    [["json"], 'unexpected "json" (did you mean --json?)'],
    [["--__proto__", "1"], "unknown flag --__proto__"],
  ];
  for (const [raw, message] of table) {
    test(raw.join(" "), () => {
      expect(() => read(raw)).toThrow(new UsageError(message));
    });
  }

  test("a missing positional", () => {
    expect(() => readArguments([], TABLE, CHANNEL, {})).toThrow(new UsageError("CHANNEL is missing: which channel"));
  });

  test("a secret is never repeated, and the environment's name is given", () => {
    const message = "TEST_SEED: that value is not allowed; expected a whole number from 0 to 18446744073709551615";
    expect(() => read([], { TEST_SEED: "hunter2" })).toThrow(new UsageError(message));
    expect(() => read(["--seed", "hunter2"])).toThrow(new UsageError(message.replace("TEST_SEED", "--seed")));
  });
});

test("a negative number is a word beside the flags, once, and no unknown flag", () => {
  const places = [{ name: "VALUE", help: "a value", required: false }];
  expect(readArguments(["-35"], {}, places, {}).positionals).toEqual(["-35"]);
  expect(() => readArguments(["-x"], {}, places, {})).toThrow("unknown flag -x");
});
