import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../../src/failure.ts";
import { LIST_ALLOW, LIST_DENY, SenderLists } from "../../../src/rank/lists/sender-lists.ts";
import { IP_KEY_AT } from "../../../src/shape/digest-layout.ts";
import { watchedLists } from "../../../src/sidecar/inputs/lists.ts";
import { FileWatch } from "../../../src/sidecar/inputs/watched-file.ts";
import { MemoryLog, type SmallMemory, smallMemory } from "../parts.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qos-lists-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Takes what is offered, as the loop does. @returns the verdict on an address */
function take({ arena, layout, mailbox }: SmallMemory, ...octets: number[]): number {
  const { tablesAt, slotCount } = layout.lists!;
  const lists = new SenderLists(arena.buffer, tablesAt[mailbox.lists.offered - 1], slotCount);
  mailbox.lists.took(mailbox.lists.offered);
  arena.u8.set(octets, layout.digestsAt + IP_KEY_AT);
  return lists.verdict(layout.digestsAt);
}

function openLists(allow: string | undefined, deny: string, memory: SmallMemory, log: MemoryLog): FileWatch {
  const watched = watchedLists(allow, deny, { ...memory, log });
  if (watched === undefined) throw new Error("nothing is to be watched");
  return new FileWatch(watched, log);
}

test("both files make one table, which is swapped where either changes", async () => {
  const memory = smallMemory();
  const log = new MemoryLog();
  const [allow, deny] = [join(folder, "allow"), join(folder, "deny")];
  writeFileSync(allow, "10.0.0.1\n");
  writeFileSync(deny, "10.0.0.0/24\n");
  const lists = openLists(allow, deny, memory, log);
  await lists.open();
  writeFileSync(deny, "10.0.1.0/24\n");
  await lists.look(); // the loop has not taken the first
  expect(memory.mailbox.lists.offered).toBe(1);
  expect(take(memory, 10, 0, 0, 1)).toBe(LIST_ALLOW | LIST_DENY);
  await lists.look();
  expect(memory.mailbox.lists.offered).toBe(2);
  expect(take(memory, 10, 0, 0, 1)).toBe(LIST_ALLOW);
  expect(take(memory, 10, 0, 1, 1)).toBe(LIST_DENY);
  expect(await lists.look()).toBe("unchanged");
  expect(memory.mailbox.lists.offered).toBe(2);
  expect(log.lines.at(-1)).toBe(
    `info: 1 addresses and prefixes and 0 payers denied, from ${deny}; 1 addresses and prefixes and 0 payers allowed, from ${allow}`,
  );
});

test("trouble at the start is a failure, later a warning that is said once", async () => {
  const memory = smallMemory();
  const log = new MemoryLog();
  const deny = join(folder, "later");
  const lists = openLists(undefined, deny, memory, log);
  await expect(lists.open()).rejects.toThrow(Failure);
  await expect(lists.open()).rejects.toThrow(`--deny ${deny}: lists of senders cannot be read: ENOENT`);
  writeFileSync(deny, "10.0.0.1\nbanana\n");
  await lists.open();
  expect(take(memory, 10, 0, 0, 1)).toBe(LIST_DENY);
  rmSync(deny);
  for (let i = 0; i < 3; i++) expect(await lists.look()).toBe("failed");
  expect(log.lines.filter((line) => line.startsWith("warn"))).toHaveLength(2);
  expect(log.lines[0]).toContain(`${deny}, line 2: "banana"`);
  expect(log.lines.at(-1)).toContain("those of before stay in use");
  expect(take(memory, 10, 0, 0, 1)).toBe(LIST_DENY);
});
