// The bench's short form, for continuous integration: every line's work is done once at a small size, and its checksum must
// be the expected one: what the work came to when a full run agreed with the Rust baselines. Nothing is judged by its time.

import type { Line } from "./bench.ts";
import { EXPECTED } from "./smoke-expected.ts";
import { runSuite, type SuiteSettings } from "./suite.ts";

const SETTINGS: SuiteSettings = {
  scale: 0.02,
  rounds: 1,
  warm: 0,
  tableSizes: [100, 1_000],
  storeCapacity: 4_096,
  packets: 2_048,
  emptyEvery: 20_000,
  cpu: undefined,
  withBaselines: false,
};

/** @returns the exit code */
export async function smoke(): Promise<number> {
  const lines: Line[] = [];
  await runSuite(SETTINGS, "", (line) => lines.push(line));
  const expected = new Map(Object.entries(EXPECTED));
  let wrong = 0;
  for (const { name, checksum, agrees } of lines) {
    const right = agrees && expected.get(name) === checksum;
    if (!right) wrong += 1;
    console.log(`${right ? "right" : "WRONG"}  ${name.padEnd(50)} ${checksum}`);
    expected.delete(name);
  }
  for (const name of expected.keys()) {
    wrong += 1;
    console.log(`WRONG  ${name.padEnd(50)} was not run`);
  }
  console.log(`\n${lines.length} lines, ${wrong} wrong`);
  return wrong === 0 ? 0 : 1;
}
