// The built binary as an operator gets it: alone, in an empty folder, under another user.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { version } from "../../package.json";
import { COMMANDS } from "../../src/cli/root.ts";
import { Host } from "./host.ts";

const host = new Host();
afterAll(() => host.remove());

const HOUSE = join(import.meta.dir, "../..");
const PREFIX = `${process.pid}_binary_`;
const EXIT_USAGE = 2;

describe("alone in an empty folder, as another user", () => {
  const folder = host.folder("empty");

  test("says its version, with the commit that it was built from", async () => {
    const ran = await host.run(folder, ["--version"]);
    expect(ran).toMatchObject({ exitCode: 0, err: "" });
    const [number, commit = ""] = ran.out.trim().split("+");
    expect(number).toBe(version);
    expect(commit).toMatch(/^([0-9a-f]{10}(\.dirty)?)?$/);
  });

  test("helps, without arguments and for each command", async () => {
    for (const args of [[], ["--help"]]) {
      const { exitCode, out } = await host.run(folder, args);
      expect(exitCode).toBe(0);
      for (const { name, summary } of COMMANDS) {
        expect(out).toContain(name);
        expect(out).toContain(summary);
      }
    }
    for (const { name } of COMMANDS) {
      const ran = await host.run(folder, [name, "--help"]);
      expect(ran).toMatchObject({ exitCode: 0, err: "" });
      expect(ran.out).toContain(`qos ${name}`);
    }
  });

  test("refuses a flag that it does not know, and names it", async () => {
    const ran = await host.run(folder, ["run", "--target-ppz", "5"]);
    expect(ran.exitCode).toBe(EXIT_USAGE);
    expect(ran.err).toContain("--target-ppz");
    expect(ran.err).toContain("--target-pps");
  });

  test("leaves nothing in its folder, and unpacks nothing into the temporary one", async () => {
    const temporary = host.folder("temporary");
    await host.run(folder, ["run", "--no-wait", "--prefix", PREFIX, "--allow-root"], { TMPDIR: temporary });
    expect(readdirSync(folder)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test("needs no libraries but the C library's", () => {
    const { stdout } = Bun.spawnSync(["ldd", host.binary]);
    const names = [...stdout.toString().matchAll(/^\s+(\S+)/gm)].map(([, path]) => basename(path!));
    const allowed = /^(linux-vdso|ld-linux.*|libc|libm|libpthread|libdl)\.so/;
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !allowed.test(name))).toEqual([]);
  });
});

describe("whoever owns the current folder has no say", () => {
  const trap = host.folder("trap");
  const workers = [...new Bun.Glob("src/**/*-worker.ts").scanSync(HOUSE)];
  const CAUGHT = "the trap was sprung";
  const sprung = `console.error(${JSON.stringify(CAUGHT)}); process.exit(99);`;
  writeFileSync(join(trap, "trap.ts"), sprung);
  writeFileSync(join(trap, "bunfig.toml"), 'preload = ["./trap.ts"]\n[run]\npreload = ["./trap.ts"]\n');
  writeFileSync(join(trap, ".env"), "QOS_XXHASH_SEED=no-number\nBUN_OPTIONS=--preload=./trap.ts\n");
  writeFileSync(join(trap, "package.json"), '{ "main": "./trap.ts", "type": "commonjs" }');
  writeFileSync(join(trap, "tsconfig.json"), '{ "compilerOptions": { "paths": { "*": ["./trap.ts"] } } }');
  for (const path of workers) {
    mkdirSync(join(trap, path, ".."), { recursive: true });
    for (const name of [path, basename(path)])
      for (const extension of [".ts", ".js"]) writeFileSync(join(trap, name.replace(/\.ts$/, extension)), sprung);
  }

  test("the traps would be seen: the environment's seed is read, and refused", async () => {
    const ran = await host.run(trap, ["run", "--no-wait", "--prefix", PREFIX], { QOS_XXHASH_SEED: "no-number" });
    expect(ran.exitCode).toBe(EXIT_USAGE);
    expect(ran.err).toContain("QOS_XXHASH_SEED");
  });

  test("no .env, bunfig.toml, package.json or tsconfig.json is read", async () => {
    const ran = await host.run(trap, ["run", "--no-wait", "--prefix", PREFIX, "--allow-root"]);
    expect(ran.err).not.toContain(CAUGHT);
    expect(ran.exitCode).toBe(1); // no channels: the seed of .env would have been wrong usage
  });

  test("its threads come from the binary, not from files of their name", async () => {
    expect(workers.length).toBeGreaterThan(0);
    const common = ["--prefix", PREFIX];
    expect(await host.run(trap, ["init", ...common])).toMatchObject({ exitCode: 0 });
    const ran = await host.run(trap, ["run", ...common, "--idle", "backoff", "--allow-root", "--duration", "300ms"]);
    const destroyed = await host.run(trap, ["destroy", ...common, "--force"]);
    expect(ran.err).not.toContain(CAUGHT);
    expect(ran.exitCode).toBe(0);
    expect(destroyed.exitCode).toBe(0);
  });
});
