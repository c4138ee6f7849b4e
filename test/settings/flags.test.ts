import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  choice,
  count,
  duration,
  flagName,
  formatDuration,
  onOff,
  parseDuration,
  parseU64,
  parseWhole,
  path,
  text,
  U64_MAX,
} from "../../src/settings/flags.ts";
import { kebabCase } from "../../src/settings/names.ts";

describe("whole numbers", () => {
  test("are written as people write them", () => {
    const read = ["50000", "50_000", "50k", "2M", "1_234_567", "0"].map(parseWhole);
    expect(read).toEqual([50_000, 50_000, 50_000, 2_000_000, 1_234_567, 0]);
    for (const wrong of ["", "-3", "1e5", "5_00", "_500", "50K", "50 k", "k", "1.5k", "0x10", "1__000"]) {
      expect(parseWhole(wrong)).toBeUndefined();
    }
    expect(count({ help: "", min: 1, max: 60_000, fallback: 1 }).parse("61k")).toBeUndefined();
  });
});

describe("u64", () => {
  test("is exact for every value", () => {
    fc.assert(fc.property(fc.bigInt(0n, U64_MAX), (value) => parseU64(value.toString()) === value));
  });

  test("refuses what is no u64", () => {
    for (const wrong of [
      "",
      "-1",
      "+1",
      "1.0",
      "1e3",
      "0x10",
      " 1",
      "1 ",
      "18446744073709551616",
      "9".repeat(41),
      "١",
    ]) {
      expect(parseU64(wrong)).toBeUndefined();
    }
    fc.assert(fc.property(fc.bigInt(U64_MAX + 1n, 2n ** 100n), (value) => parseU64(value.toString()) === undefined));
  });
});

describe("durations", () => {
  test("say their unit", () => {
    const table: [string, number | undefined][] = [
      ["10s", 10_000],
      ["500ms", 500],
      ["2m", 120_000],
      ["1m30s", 90_000],
      ["0.5s", 500],
      ["1h", 3_600_000],
      ["2d", 172_800_000],
      ["10", undefined],
      ["", undefined],
      ["s", undefined],
      ["-1s", undefined],
      ["1 s", undefined],
      ["1.s", undefined],
      ["1S", undefined],
      ["1e3s", undefined],
      ["10sec", undefined],
    ];
    for (const [typed, ms] of table) expect([typed, parseDuration(typed)]).toEqual([typed, ms]);
  });

  test("are read back as they were written", () => {
    fc.assert(fc.property(fc.nat(100_000_000), (ms) => parseDuration(formatDuration(ms)) === ms));
  });

  test("have bounds, both allowed", () => {
    const flag = duration({ help: "", min: 100, max: 2_000, fallback: undefined });
    expect([flag.parse("99ms"), flag.parse("100ms"), flag.parse("2s"), flag.parse("2001ms")]).toEqual([
      undefined,
      100,
      2_000,
      undefined,
    ]);
  });
});

describe("kinds", () => {
  test("count takes whole numbers of its range", () => {
    const flag = count({ help: "", min: 10, max: 20, fallback: 15 });
    expect(["10", "20", "9", "21", "1.5", "-10", "", "1e1", "9".repeat(30)].map(flag.parse)).toEqual([
      10,
      20,
      ...Array(7).fill(undefined),
    ]);
    expect(flag.fallbackText).toBe("15");
  });

  test("choice takes its words only", () => {
    const flag = choice(["spin", "backoff"], { help: "", fallback: "spin" });
    expect(["spin", "backoff", "Spin", "", "toString"].map(flag.parse)).toEqual([
      "spin",
      "backoff",
      undefined,
      undefined,
      undefined,
    ]);
    expect(flag.allowed).toBe("spin or backoff");
  });

  test("text follows its pattern, a path is not empty", () => {
    const flag = text({ help: "", fallback: "", pattern: /^[a-z]*$/, allowed: "letters" });
    expect([flag.parse("abc"), flag.parse("a/b")]).toEqual(["abc", undefined]);
    expect([path({ help: "" }).parse("a b"), path({ help: "" }).parse(""), path({ help: "" }).parse("a\0b")]).toEqual([
      "a b",
      undefined,
      undefined,
    ]);
  });
});

test("names: a switch that is on by default is typed as --no-", () => {
  expect(kebabCase("useHugePages")).toBe("use-huge-pages");
  expect(kebabCase("ipv6")).toBe("ipv6");
  expect(kebabCase("preSimd0170")).toBe("pre-simd-0170");
  expect(flagName("maxIps", count({ help: "", min: 0, max: 1, fallback: 0 }))).toBe("--max-ips");
  expect(flagName("allowRoot", onOff({ help: "" }))).toBe("--allow-root");
  expect(flagName("wait", onOff({ help: "", fallback: true }))).toBe("--no-wait");
});
