import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadScenario } from "../../src/simulator/load-scenario.ts";
import { inRhythm, momentMs, parseScenario } from "../../src/simulator/scenario.ts";
import { SCENARIOS } from "../../src/simulator/scenarios/index.ts";
import { scaled } from "../../src/simulator/source.ts";

const HEAD = 'name = "x"\ntitle = "x"\n';
const GROUP = '[[senders]]\nname = "a"\nrate = 10\n';

test("every scenario that comes with qos is read, has its file's name, and stands in the docs", () => {
  const docs = readFileSync(new URL("../../docs/scenarios.md", import.meta.url), "utf8");
  for (const name of Object.keys(SCENARIOS)) {
    const scenario = loadScenario(name);
    expect(scenario.name).toBe(name);
    expect(docs).toContain(`\`${name}\``);
  }
});

test("every attack starts at a third of the run", () => {
  for (const name of Object.keys(SCENARIOS)) {
    if (name === "agents" || name === "lost-races") continue; // no attack: a bad agent from the start, none at all
    const scenario = loadScenario(name);
    expect(momentMs(scenario, "attack")).toBeCloseTo((scenario.durationSeconds * 1_000) / 3, 6);
    expect(scenario.senders.some((one) => one.from === "attack")).toBe(true);
  }
});

test.each([
  ["an unknown key", `${HEAD}colour = 1\n${GROUP}`, "colour"],
  ["an unknown key of senders", `${HEAD}${GROUP}ratee = 4\n`, "senders.0.ratee"],
  ["a number out of range", `${HEAD}[[senders]]\nname = "a"\nrate = -1\n`, "senders.0.rate"],
  ["a wrong type", `${HEAD}[[senders]]\nname = "a"\nrate = "fast"\n`, "senders.0.rate"],
  ["no senders", HEAD, "senders"],
  ["a name twice", `${HEAD}${GROUP}${GROUP}`, 'called "a"'],
  ["a group that is not there", `${HEAD}${GROUP}[[senders]]\nname = "b"\nrate = 1\nreplays = "c"\n`, '"c"'],
  ["a group that comes later", `${HEAD}[[senders]]\nname = "b"\nrate = 1\npayersOf = "a"\n${GROUP}`, "before"],
  ["forged without replays", `${HEAD}${GROUP}forged = true\n`, "forged"],
  ["a tactic without a table", `${HEAD}${GROUP}tactic = true\n`, "adaptive"],
  ["ranges upside down", `${HEAD}${GROUP}usedRatio = [0.9, 0.1]\n`, "usedRatio"],
  ["no TOML", "name = = 1", "x.toml"],
])("%s is refused and named", (_, toml, named) => {
  let message = "";
  try {
    parseScenario(toml, "x.toml");
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    message = (error as Error).message;
  }
  expect(message).toContain("x.toml");
  expect(message).toContain(named);
});

test("a scenario can be a file; an unknown name lists the known ones", () => {
  const folder = mkdtempSync(join(tmpdir(), "qos-scenario-"));
  try {
    const file = join(folder, "mine.toml");
    writeFileSync(file, HEAD + GROUP);
    expect(loadScenario(file).senders[0].rate).toBe(10);
    expect(() => loadScenario(join(folder, "none.toml"))).toThrow("cannot read the scenario");
    expect(() => loadScenario("nothing")).toThrow("overload");
    expect(() => loadScenario("toString")).toThrow("there is no scenario");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("another rate scales all groups and the adaptive attacker", () => {
  const adaptive = loadScenario("adaptive");
  const half = scaled(adaptive, (adaptive.adaptive!.rate + 9_000) / 2);
  expect(half.adaptive!.rate).toBe(adaptive.adaptive!.rate / 2);
  expect(half.senders[0].rate).toBe(adaptive.senders[0].rate / 2);
});

test("slots are of 200 ms and 30 M CUs if a scenario says nothing; another rhythm takes as many CUs a second", () => {
  const usual = parseScenario(HEAD + GROUP, "x");
  expect(usual.validator).toMatchObject({ slotMs: 200, blockUnits: 30_000_000 });
  expect(inRhythm(usual, 400).validator).toEqual({ ...usual.validator, slotMs: 400, blockUnits: 60_000_000 });
  const own = parseScenario(`${HEAD}[validator]\nslotMs = 300\nblockUnits = 12000000\n${GROUP}`, "x");
  expect(inRhythm(own, 200).validator).toMatchObject({ slotMs: 200, blockUnits: 8_000_000 });
});
