import { expect, test } from "bun:test";
import { join } from "node:path";

interface Line {
  readonly name: string;
  readonly leastNs: number;
  readonly sum: number;
}

async function runSmall(): Promise<Line[]> {
  const bench = Bun.spawn([process.execPath, join(import.meta.dir, "rank.ts"), "--small", "--json"], {
    stdout: "pipe",
  });
  const output = await new Response(bench.stdout).text();
  expect(await bench.exited).toBe(0);
  return output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

test("the bench of ranks and stores runs, and does the same work in every run", async () => {
  const [first, second] = await Promise.all([runSmall(), runSmall()]);
  expect(first!.length).toBeGreaterThan(10);
  expect(second!.map(({ name, sum }) => [name, sum])).toEqual(first!.map(({ name, sum }) => [name, sum]));
  for (const { leastNs } of first!) expect(Number.isFinite(leastNs)).toBe(true);
}, 60_000);
