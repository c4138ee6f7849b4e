import { expect, test } from "bun:test";
import { PROCESSES_MIN, processProblem } from "../../../src/cli/host/process-limit.ts";
import { Host } from "../../binary/host.ts";

const limits = (soft: string) =>
  `Limit  Soft Limit  Hard Limit  Units\nMax processes             ${soft}   100   processes\n`;

test("too few processes are a sentence; root is not held to the limit", () => {
  expect(processProblem(limits("3"), 1_000)).toContain(`3 processes and threads, and qos needs ${PROCESSES_MIN}`);
  expect(processProblem(limits(`${PROCESSES_MIN}`), 1_000)).toBeUndefined();
  expect(processProblem(limits("unlimited"), 1_000)).toBeUndefined();
  expect(processProblem(limits("3"), 0)).toBeUndefined();
  expect(processProblem("", 1_000)).toBeUndefined();
});

/** A user that has no other processes: the limit counts all of a user's. */
const alone = `${4_100_000 + (process.pid % 10_000)}`;
const asAlone = ["setpriv", `--reuid=${alone}`, `--regid=${alone}`, "--clear-groups"];
const canBecome =
  process.geteuid?.() === 0 && Bun.which("setpriv") !== null && Bun.spawnSync([...asAlone, "true"]).exitCode === 0;

test.skipIf(!canBecome || Bun.which("bash") === null)(
  "and the binary says it, instead of the runtime's page about a crash (needs root, bash and setpriv)",
  async () => {
    const host = new Host();
    for (const args of ["--version", "run --prefix few_ --duration 1s"]) {
      const script = `ulimit -u 8; exec "$0" ${args}`;
      const child = Bun.spawnSync([...asAlone, "bash", "-c", script, host.binary], { cwd: "/" });
      const err = child.stderr.toString();
      expect(err).not.toContain("crashed");
      expect([child.exitCode, err]).toEqual([1, expect.stringMatching(/^qos: this user may have 8 processes/)]);
    }
    host.remove();
  },
);
