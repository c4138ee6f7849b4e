import { expect, test } from "bun:test";
import { findUser } from "../../../ffi/users.ts";
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

const isRoot = process.geteuid?.() === 0;

// Root alone can become a user that has no other processes.
test.skipIf(!isRoot || Bun.which("bash") === null || findUser("nobody") === undefined)(
  "and the binary says it, instead of the runtime's page about a crash (needs root, bash and the user nobody)",
  async () => {
    const host = new Host();
    for (const args of ["--version", "run --prefix few_ --duration 1s"]) {
      const script = `ulimit -u 8; exec "$0" ${args}`;
      const child = Bun.spawnSync(host.asUser("bash", "-c", script, host.binary), { cwd: "/" });
      const err = child.stderr.toString();
      expect(err).not.toContain("crashed");
      expect([child.exitCode, err]).toEqual([1, expect.stringMatching(/^qos: this user may have 8 processes/)]);
    }
    host.remove();
  },
);
