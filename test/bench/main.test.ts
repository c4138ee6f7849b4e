import { expect, test } from "bun:test";

const MAIN = new URL("./main.ts", import.meta.url).pathname;

function bench(...words: string[]): { code: number; out: string; err: string } {
  const done = Bun.spawnSync([process.execPath, MAIN, ...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  return { code: done.exitCode, out: done.stdout.toString(), err: done.stderr.toString() };
}

test("--help is help", () => {
  const { code, out, err } = bench("--help");
  expect([code, err]).toEqual([0, ""]);
  for (const word of ["--only", "--whole", "--watched", "--smoke", "--json"]) expect(out).toContain(word);
});

test("mistakes are a line and exit code 2", () => {
  for (const words of [
    ["--bogus"],
    ["extra"],
    ["--cpu"],
    ["--rounds", "many"],
    ["--pps", "1e6"],
    ["--mix", "none"],
    ["--model", "x"],
  ]) {
    const { code, out, err } = bench(...words);
    expect([words, code, out]).toEqual([words, 2, ""]);
    expect(err).toMatch(/^bench: .*; see npm run bench -- --help\n$/);
  }
});
