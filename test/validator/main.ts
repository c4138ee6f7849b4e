// `npm run validator`: the patch in a whole validator, Agave's own. Builds it (or takes it from the cache), runs every line of
// the acceptance against real sidecars, prints a table, and leaves nothing behind.
//
//   npm run validator                      everything, about 20 minutes
//   npm run validator -- --only through,off
//   npm run validator -- --skip long       without the ten minutes at 1,500 a second
//   npm run validator -- --cached          only where it is built already (exit code 0 and a reason where not)

import { readdirSync, unlinkSync } from "node:fs";
import { type Built, buildValidator, findBuilt } from "./build.ts";
import { endAll, Sidecar, until, Validator } from "./scenes.ts";

interface Row {
  readonly line: string;
  readonly expected: string;
  readonly measured: string;
  readonly holds: boolean;
}

const THROUGH = "packets go through it";
const PAST = "packets pass it by";
const PREFIX = `v${process.pid}_`;
/** Above all that comes: nothing is held back for want of room. */
const ROOM = ["--target-pps", "20000"];

let scene = 0;
const newPrefix = (): string => `${PREFIX}${scene++}_`;

function row(line: string, expected: string, measured: string | number, holds: boolean): Row {
  return { line, expected, measured: `${measured}`, holds };
}

const equal = (line: string, measured: number, expected: number): Row =>
  row(line, `${expected}`, measured, measured === expected);

/** A validator and a sidecar that is used. */
async function both(built: Built, flags: readonly string[] = ROOM, more = ""): Promise<[Validator, Sidecar, string]> {
  const prefix = newPrefix();
  const validator = new Validator(built, `${prefix}${more}`);
  await validator.ready();
  const sidecar = new Sidecar(prefix, flags);
  await validator.logged(THROUGH, 2);
  return [validator, sidecar, prefix];
}

async function through(built: Built): Promise<Row[]> {
  const [validator, sidecar] = await both(built);
  await validator.load("good", "good", 500, 40, 20, 1_000);
  const { sent, landed } = await validator.landed("good", 30);
  await Bun.sleep(11_000); // the bridge's next line in the log
  const bridge = validator.bridge;
  const counters = await sidecar.end("SIGTERM");
  await validator.end();
  return [
    equal("20,000 transfers at 500/s from 20 addresses: sent", sent, 20_000),
    equal("landed", landed, sent),
    equal("offered to the sidecar, and taken by it", counters.totalPackets, bridge.offered),
    equal("sent on, and read by the bridge", bridge.fromSidecar, counters.bankingTransmissions),
    equal("signatures checked", bridge.passed + bridge.failed, bridge.fromSidecar),
    equal("unknownOutcomes", counters.unknownOutcomes, 0),
    row("outcomes joined: included", `${landed}`, counters.included, counters.included >= landed),
    equal("bypassed while it ran", bridge.bypassed, 0),
    equal("events that had no room", bridge.untold + bridge.full + bridge.lapped + bridge.unfit, 0),
  ];
}

async function off(built: Built): Promise<Row[]> {
  const before = readdirSync("/dev/shm");
  const validator = new Validator(built, undefined);
  await validator.ready();
  await validator.load("good", "good", 500, 5, 20, 1_000);
  const { sent, landed } = await validator.landed("good", 20);
  const threads = validator.threads().filter((name) => name.startsWith("qos")).length;
  const files = readdirSync("/dev/shm").filter((name) => !before.includes(name)).length;
  await validator.end();
  return [
    equal("without QOS_CHANNELS: landed", landed, sent),
    equal("threads of the bridge", threads, 0),
    equal("channels", files, 0),
    equal("lines in the log", validator.logs.length, 0),
  ];
}

async function large(built: Built): Promise<Row[]> {
  const [validator, sidecar] = await both(built);
  await validator.load("large", "large", 100, 10, 10, 1_000);
  const { sent, landed } = await validator.landed("large", 20);
  await Bun.sleep(11_000);
  const { unfit, offered } = validator.bridge;
  const counters = await sidecar.end("SIGTERM");
  await validator.end();
  return [
    equal("transactions v1 of 2.2 kB: landed", landed, sent),
    row("through the sidecar", `${sent}`, counters.totalPackets, counters.totalPackets >= sent),
    equal("that fit no element", unfit, 0),
    equal("refused by the parser", counters.failedView + counters.failedSanitize, 0),
    equal("offered", offered, counters.totalPackets),
  ];
}

async function attack(built: Built): Promise<Row[]> {
  const [validator, sidecar] = await both(built, ["--target-pps", "200"]);
  await Promise.all([
    validator.load("best", "good", 100, 20, 10, 10_000_000),
    validator.load("cheap", "good", 100, 20, 10, 1_000),
    validator.load("forged", "bad", 200, 20, 10, 50_000_000),
  ]);
  const best = await validator.landed("best", 20);
  const { cheap, forged } = await validator.counts();
  await Bun.sleep(11_000);
  const { failed } = validator.bridge;
  await sidecar.end("SIGTERM");
  await validator.end();
  return [
    equal("400/s on a budget of 200/s: landed of the best paying", best.landed, best.sent),
    equal("landed of the forged", forged.landed, 0),
    row("forged that reached the signature check", "< 5%", `${failed} of ${forged.sent}`, failed < forged.sent / 20),
    row("landed of the cheap (what the budget leaves)", "> 0", `${cheap.landed} of ${cheap.sent}`, cheap.landed > 0),
  ];
}

async function faults(built: Built): Promise<Row[]> {
  const rate = 400;
  const [validator, first, prefix] = await both(built);
  const rows: Row[] = [];

  // kill -9 under load, and another one.
  const killed = validator.load("killed", "good", rate, 15, 20, 1_000);
  await Bun.sleep(5_000);
  await first.end("SIGKILL");
  const death = performance.now();
  await validator.logged(PAST, 2);
  const pastMs = performance.now() - death;
  await Bun.sleep(3_000);
  const second = new Sidecar(prefix, ROOM);
  await until("the second sidecar to be up", 30, () => (second.stats?.counters.turns ?? 0) > 0);
  const up = performance.now();
  await validator.logged(THROUGH, 4);
  const backMs = performance.now() - up;
  await killed;
  const afterKill = await validator.landed("killed", 15);
  rows.push(
    row("kill -9: packets pass by within", "120 ms", `${pastMs.toFixed(0)} ms`, pastMs < 120),
    row("the next sidecar is used within", "1 s", `${backMs.toFixed(0)} ms`, backMs < 1_000),
    row(
      "lost",
      `< ${rate / 4} (0.25 s)`,
      afterKill.sent - afterKill.landed,
      afterKill.sent - afterKill.landed < rate / 4,
    ),
  );

  // Stopped in its tracks.
  const stopped = validator.load("stopped", "good", rate, 10, 20, 1_000);
  await Bun.sleep(3_000);
  second.child.kill("SIGSTOP");
  await Bun.sleep(2_000);
  second.child.kill("SIGCONT");
  await stopped;
  const afterStop = await validator.landed("stopped", 15);
  rows.push(equal("SIGSTOP for 2 s: lost", afterStop.sent - afterStop.landed, 0));

  // A graceful stop.
  const ended = validator.load("ended", "good", rate, 10, 20, 1_000);
  await Bun.sleep(5_000);
  await second.end("SIGTERM");
  await ended;
  const afterEnd = await validator.landed("ended", 15);
  rows.push(equal("SIGTERM: lost", afterEnd.sent - afterEnd.landed, 0));

  // Killed in a lull.
  const third = new Sidecar(prefix, ROOM);
  await validator.logged(THROUGH, 8);
  await Bun.sleep(2_000);
  await third.end("SIGKILL");
  await Bun.sleep(150);
  await validator.load("lull", "good", rate, 3, 20, 1_000);
  const afterLull = await validator.landed("lull", 15);
  rows.push(equal("killed in a lull: lost", afterLull.sent - afterLull.landed, 0));
  await validator.end();
  return rows;
}

async function long(built: Built): Promise<Row[]> {
  const [validator, sidecar] = await both(built);
  await validator.load("long", "good", 1_500, 600, 20, 1_000);
  const { sent, landed } = await validator.landed("long", 60);
  await Bun.sleep(11_000);
  const bridge = validator.bridge;
  const counters = await sidecar.end("SIGTERM");
  await validator.end();
  return [
    row("ten minutes at 1,500/s: landed", `${sent}`, landed, landed === sent),
    equal("unknownOutcomes", counters.unknownOutcomes, 0),
    equal("bypassed", bridge.bypassed, 0),
    equal("events that had no room", bridge.untold + bridge.full + bridge.lapped, 0),
  ];
}

const SCENES: Readonly<Record<string, (built: Built) => Promise<Row[]>>> = {
  through,
  off,
  large,
  attack,
  faults,
  long,
};

function refuse(what: string): never {
  console.error(what);
  process.exit(2);
}

function chosen(words: readonly string[]): { names: string[]; onlyCached: boolean } {
  const known = Object.keys(SCENES);
  let names = known;
  let onlyCached = false;
  for (let i = 0; i < words.length; i++) {
    if (words[i] === "--cached") onlyCached = true;
    else if (words[i] === "--only" || words[i] === "--skip") {
      const given = (words[i + 1] ?? "").split(",");
      const wrong = given.filter((name) => !known.includes(name));
      if (wrong.length > 0) refuse(`${words[i]}: unknown "${wrong.join(",")}" (there are: ${known.join(", ")})`);
      names = words[i] === "--only" ? given : names.filter((name) => !given.includes(name));
      i += 1;
    } else refuse(`unknown ${words[i]} (known: --only, --skip, --cached)`);
  }
  return { names, onlyCached };
}

function removeChannels(): void {
  for (const name of readdirSync("/dev/shm")) if (name.startsWith(PREFIX)) unlinkSync(`/dev/shm/${name}`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, async () => {
    await endAll();
    removeChannels();
    process.exit(1);
  });
}

const { names, onlyCached } = chosen(process.argv.slice(2));
const built = onlyCached
  ? (findBuilt() ?? { reason: "there is no build of these sources in the cache" })
  : buildValidator();
if ("reason" in built) {
  console.log(`skipped: ${built.reason}`);
  process.exit(onlyCached ? 0 : 1);
}
let failed = 0;
for (const name of names) {
  const started = performance.now();
  let rows: Row[];
  try {
    rows = await SCENES[name](built);
  } catch (error) {
    rows = [row("ran to its end", "yes", error instanceof Error ? error.message : `${error}`, false)];
  } finally {
    await endAll();
    removeChannels();
  }
  console.log(`\n${name} (${((performance.now() - started) / 1_000).toFixed(0)} s)`);
  const widths = [rows.map(({ line }) => line.length), rows.map(({ expected }) => expected.length)].map((all) =>
    Math.max(...all),
  );
  for (const { line, expected, measured, holds } of rows) {
    console.log(`  ${holds ? "ok  " : "FAIL"}  ${line.padEnd(widths[0])}  ${expected.padEnd(widths[1])}  ${measured}`);
    if (!holds) failed += 1;
  }
}
console.log(failed === 0 ? "\nevery line holds" : `\n${failed} lines do not hold`);
process.exitCode = failed === 0 ? 0 : 1;
