// The demo as a whole, with real processes: to its end, and interrupted at each of its stages.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listSharedMemory } from "../runner/leftovers.ts";
import { commandLine, listProcesses } from "../runner/processes.ts";

const DEMO = join(import.meta.dir, "../../src/demo/demo.ts");
const folder = mkdtempSync(join(tmpdir(), `qos-demo-test-${process.pid}-`));
afterAll(() => rmSync(folder, { recursive: true }));

let runs = 0;

class DemoRun {
  readonly temporary = join(folder, `${runs++}`);
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #drained: Promise<unknown>;
  text = "";

  constructor(seconds: number) {
    mkdirSync(this.temporary);
    this.#process = Bun.spawn([process.execPath, DEMO, "--seconds", `${seconds}`], {
      detached: true,
      env: { ...process.env, TMPDIR: this.temporary },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#drained = Promise.all([this.#take(this.#process.stdout), this.#take(this.#process.stderr)]);
  }

  async #take(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.text += decoder.decode(chunk, { stream: true });
  }

  get prefix(): string {
    return `demo_${this.#process.pid}_`;
  }

  async seen(words: string): Promise<void> {
    while (!this.text.includes(words)) {
      if (this.#process.exitCode !== null) throw new Error(`the demo ended without "${words}":\n${this.text}`);
      await Bun.sleep(5);
    }
  }

  /** To the whole group, as a terminal does. */
  signal(signal: NodeJS.Signals): void {
    process.kill(-this.#process.pid, signal);
  }

  async ended(): Promise<number | null> {
    await this.#process.exited;
    await this.#drained;
    return this.#process.signalCode === null ? this.#process.exitCode : null;
  }

  /** Files, folders and processes that it should have removed. */
  remains(): string[] {
    return [
      ...[...listSharedMemory()].filter((path) => path.includes(this.prefix)),
      ...readdirSync(this.temporary),
      ...listProcesses()
        .map(commandLine)
        .filter((line) => line.includes(this.prefix)),
    ];
  }
}

test("shows what flows, sums it up, and removes what it made", async () => {
  const demo = new DemoRun(3);
  expect({ exitCode: await demo.ended(), text: demo.text }).toMatchObject({ exitCode: 0 });
  expect(demo.text).toMatch(
    /^ {2}\d s {2}in [\d,]+\/s {2}refused or dropped [\d,]+\/s {2}out [\d,]+\/s {2}queue [\d,]+$/m,
  );
  expect(demo.text).toContain("every packet is accounted for");
  const [, packets] = demo.text.match(/packets in +([\d,]+)/)!;
  expect(Number(packets!.replaceAll(",", ""))).toBeGreaterThan(0);
  expect(demo.text).toMatch(/^qos earned [\d.,]+ SOL from honest senders: \d+\.\d\d x what arrival order would have/m);
  for (const line of demo.text.split("\n")) {
    if (!line.startsWith("$ ")) expect(line.length, line).toBeLessThanOrEqual(132);
  }
  expect(demo.text).toContain("to be opened in a browser: ");
  expect(readFileSync(join(import.meta.dir, "../../dist/demo-report.html"), "utf8")).toContain('"included":');
  expect(demo.remains()).toEqual([]);
});

describe("interrupted", () => {
  const stages: [string, NodeJS.Signals][] = [
    ["building the binary", "SIGINT"],
    ["dist/qos init", "SIGINT"],
    ["dist/qos run", "SIGINT"],
    ["dist/qos simulate", "SIGTERM"],
    ["s  in ", "SIGHUP"],
  ];
  test.each(stages)('after "%s" by %s it leaves nothing behind', async (stage, signal) => {
    const demo = new DemoRun(60);
    await demo.seen(stage);
    demo.signal(signal);
    expect({ exitCode: await demo.ended(), text: demo.text }).toMatchObject({ exitCode: 0 });
    expect(demo.text).toContain("stopped");
    expect(demo.remains()).toEqual([]);
  });
});
