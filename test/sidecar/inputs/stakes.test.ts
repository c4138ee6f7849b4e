import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../../src/failure.ts";
import { StakeTable } from "../../../src/rank/lists/stake-table.ts";
import { watchedStakes } from "../../../src/sidecar/inputs/stakes.ts";
import { FileWatch } from "../../../src/sidecar/inputs/watched-file.ts";
import { MemoryLog, type SmallMemory, smallMemory } from "../parts.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qos-stakes-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Takes what is offered, as the loop does. @returns the factor of 10.0.0.1 */
function take({ arena, layout, mailbox }: SmallMemory): number {
  const number = mailbox.stakes.offered;
  const table = new StakeTable(arena.buffer, layout.stakes.tablesAt[number - 1], layout.stakes.slotCount);
  mailbox.stakes.took(number);
  return table.factor(0x0100000a, 0, 0);
}

function openStakes(path: string, memory: SmallMemory, log: MemoryLog): FileWatch {
  const watched = watchedStakes(path, { ...memory, log });
  if (watched === undefined) throw new Error("nothing is to be watched");
  return new FileWatch(watched, log);
}

test("a table goes into the half that is not in use, and the next one waits until it was taken", async () => {
  const memory = smallMemory();
  const path = join(folder, "swap");
  writeFileSync(path, "10.0.0.1 100\n10.0.0.2 100\n");
  const stakes = openStakes(path, memory, new MemoryLog());
  await stakes.open();
  expect(memory.mailbox.stakes.offered).toBe(1);
  writeFileSync(path, "10.0.0.1 100\n");
  await stakes.look(); // the loop has not taken the first
  expect(memory.mailbox.stakes.offered).toBe(1);
  expect(take(memory)).toBe(1.5);
  await stakes.look();
  expect(memory.mailbox.stakes.offered).toBe(2);
  expect(take(memory)).toBe(2);
  expect(await stakes.look()).toBe("unchanged");
  expect(memory.mailbox.stakes.offered).toBe(2);
  writeFileSync(path, "10.0.0.3 100\n");
  await stakes.look();
  expect(memory.mailbox.stakes.offered).toBe(1);
  expect(take(memory)).toBe(1);
});

test("trouble at the start is a failure, later a warning that is said once", async () => {
  const memory = smallMemory();
  const log = new MemoryLog();
  const path = join(folder, "later");
  const stakes = openStakes(path, memory, log);
  await expect(stakes.open()).rejects.toThrow(Failure);
  writeFileSync(path, "10.0.0.1 5\nwrong\n");
  await stakes.open();
  take(memory);
  rmSync(path);
  for (let i = 0; i < 3; i++) await stakes.look();
  expect(log.lines.filter((line) => line.startsWith("warn"))).toHaveLength(2);
  expect(log.lines[0]).toBe(`warn: ${path}, line 2: "wrong" is not "IP LAMPORTS"`);
  expect(log.lines.at(-1)).toContain("those of before stay in use");
  expect(memory.mailbox.stakes.offered).toBe(1);
});

test("a folder, and more bad lines than are told", async () => {
  const memory = smallMemory();
  const log = new MemoryLog();
  await expect(openStakes(folder, memory, log).open()).rejects.toThrow(
    `--stake-file ${folder}: stakes cannot be read: ${folder} is not a plain file; name a file that this user can read`,
  );
  const path = join(folder, "bad");
  writeFileSync(path, "x\n".repeat(100));
  await openStakes(path, memory, log).open();
  expect(log.lines).toContain(`warn: ${path}: 80 more lines are wrong`);
});
