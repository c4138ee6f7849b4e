import { describe, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import runCommand from "../../src/cli/commands/run.ts";
import { commandHelp } from "../../src/cli/help.ts";
import type { Output } from "../../src/cli/output.ts";
import { toJson } from "../../src/cli/output.ts";
import { COMMANDS, main } from "../../src/cli/root.ts";
import { VERSION } from "../../src/version.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;

/** Runs a command line in this process. */
async function run(...raw: string[]): Promise<{ code: number; out: string; err: string }> {
  const text = { out: "", err: "" };
  const out: Output = {
    line: (line) => {
      text.out += `${line}\n`;
    },
    json: (value) => out.line(toJson(value)),
    note: (line) => {
      text.err += `${line}\n`;
    },
    closed: () => false,
  };
  return { code: await main(raw, out), ...text };
}

test("a database that is not there is the operator's mistake, no fault of ours", async () => {
  const { code, out, err } = await run("report", "--db", "sqlite:/nonexistent/q.db");
  expect([code, out]).toEqual([1, ""]);
  expect(err).toBe("qos: there is no database /nonexistent/q.db; qos run --db sqlite:FILE makes one\n");
});

describe("help", () => {
  test("bare, and asked for", async () => {
    const bare = await run();
    expect(bare.code).toBe(0);
    for (const { name, summary } of COMMANDS) {
      expect(bare.out).toContain(`  ${name}`);
      expect(bare.out.split(/\s+/).join(" ")).toContain(summary);
    }
    expect(await run("--help")).toEqual(bare);
    expect(await run("-h")).toEqual(bare);
  });

  test("of each command has its flags and examples, within the width", async () => {
    for (const { name, load } of COMMANDS) {
      const { code, out } = await run(name, "--help");
      const { examples, summary } = await load();
      expect(code).toBe(0);
      expect(out).toStartWith(`usage: qos ${name}`);
      expect(examples.length).toBeGreaterThan(0);
      for (const { line } of examples) expect(out).toContain(`  ${line}`);
      // The list of commands says what the command says of itself.
      expect(COMMANDS.find((one) => one.name === name)?.summary).toBe(summary);
      const wide = out.split("\n").filter((line) => line.length > 100 && !line.includes("qos "));
      expect(wide).toEqual([]);
    }
  });

  test("of run, also for flags without a command", async () => {
    expect(commandHelp(runCommand, 100)).toMatchSnapshot();
    expect((await run("--target-pps", "500", "--help")).out).toBe((await run("run", "-h")).out);
  });
});

describe("mistakes", () => {
  const table: [string[], string][] = [
    [["rnu"], 'qos: unknown command "rnu" (did you mean run?)'],
    [["banana"], 'qos: unknown command "banana"'],
    [["--target-pp", "500"], "qos run: unknown flag --target-pp (did you mean --target-pps?)"],
    [
      ["run", "--target-pps", "5"],
      'qos run: --target-pps: "5" is not allowed; expected a whole number from 10 to 4294967295',
    ],
    [["run", "surplus"], 'qos run: unexpected "surplus"'],
    [["--prefix", "a_", "init"], 'qos init: unexpected "init"; the command comes first'],
    [["init", "--target-pps", "5"], "qos init: unknown flag --target-pps"],
  ];
  for (const [raw, message] of table) {
    test(raw.join(" "), async () => {
      const { code, out, err } = await run(...raw);
      expect([code, out]).toEqual([2, ""]);
      expect(err.split("\n")[0]).toBe(message);
      expect(err).toMatch(/See: qos .*--help/);
      expect(err).not.toContain("    at ");
    });
  }

  test("a failure has exit code 1 and no trace of the stack", async () => {
    const { code, err } = await run("run", "--xxhash-seed-file", "/nowhere/seed");
    expect(code).toBe(1);
    expect(err).toBe("qos: cannot read the seed: ENOENT: no such file or directory, open '/nowhere/seed'\n");
  });
});

describe("the process", () => {
  const spawn = (...args: string[]) =>
    Bun.spawn([process.execPath, MAIN, ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });

  test("says its version", async () => {
    for (const flag of ["--version", "-v"]) {
      const child = spawn(flag);
      expect([await child.exited, await new Response(child.stdout).text()]).toEqual([0, `${VERSION}\n`]);
    }
  });

  test("ends with the exit code of the mistake", async () => {
    const child = spawn("run", "--nonsense");
    expect(await child.exited).toBe(2);
    expect(await new Response(child.stdout).text()).toBe("");
    expect(await new Response(child.stderr).text()).toContain("unknown flag --nonsense");
  });

  test("is silent where nobody reads", async () => {
    const command = `"${process.execPath}" "${MAIN}" run --help | true`;
    const child = Bun.spawn(["sh", "-c", command], { stdout: "pipe", stderr: "pipe" });
    await child.exited;
    expect(await new Response(child.stderr).text()).toBe("");
  });

  test.each<readonly string[]>([["--help"], ["config", "show"], ["service"], ["completions", "bash"]])(
    "says so where its answer cannot be written, and fails: %s",
    async (...words: readonly string[]) => {
      const full = openSync("/dev/full", "w");
      const child = Bun.spawn([process.execPath, MAIN, ...words], { stdout: full, stderr: "pipe" });
      const [said, code] = [await new Response(child.stderr).text(), await child.exited];
      closeSync(full);
      expect(code).toBe(1);
      expect(said).toContain("qos: standard output cannot be written (ENOSPC): what was printed is not whole");
    },
  );
});
