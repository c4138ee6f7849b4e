import { expect, test } from "bun:test";
import { Display } from "../../src/demo/display.ts";
import type { Moment } from "../../src/demo/screen.ts";
import type { DemoStatistics } from "../../src/demo/statistics.ts";

const nobody = { known: 0, top: [], bottom: [] };
const statistics: DemoStatistics = {
  sidecar: { pid: 7, uptimeMs: 100, model: "ip-signer" },
  counters: { totalPackets: 0, bankingTransmissions: 0, queued: 0, completed: 0, included: 0 },
  queue: { door: null },
  senders: { ips: nobody, payers: nobody },
};
const at = (elapsedMs: number): Moment => ({
  before: { statistics, atMs: 0 },
  now: { statistics, atMs: elapsedMs },
  elapsedMs,
  totalMs: 15_000,
});

function collect(isTTY: boolean) {
  const written: string[] = [];
  const display = new Display({ isTTY, rows: 24, columns: 80, write: (text) => written.push(text) });
  return { display, written };
}

test("a pipe gets one line a second, without control characters", () => {
  const { display, written } = collect(false);
  for (const ms of [0, 250, 500, 999, 1_000, 1_250, 2_100]) display.show(at(ms));
  display.end();
  expect(written.map((line) => line.slice(0, 5))).toEqual(["  0 s", "  1 s", "  2 s"]);
  expect(written.join("")).not.toContain("\u001b");
});

test("a terminal's picture is drawn in its place, and the cursor comes back", () => {
  const { display, written } = collect(true);
  display.show(at(0));
  display.show(at(250));
  display.end();
  display.end();
  const [first, second, ...rest] = written;
  const lines = first!.split("\n").length - 1;
  expect(first).toStartWith("\u001b[?25l\u001b[J");
  expect(second).toStartWith(`\u001b[${lines}A\r\u001b[J`);
  expect(rest).toEqual(["\u001b[?25h\n"]);
});
