import { expect, test } from "bun:test";
import { Display } from "../../src/demo/display.ts";
import { moment } from "./moment.ts";

function collect(isTTY: boolean) {
  const written: string[] = [];
  const display = new Display({ isTTY, rows: 24, columns: 80, write: (text) => written.push(text) }, 15_000);
  return { display, written };
}

test("a pipe gets one line a second below 80 columns, without control characters, and one when nothing more comes", () => {
  const { display, written } = collect(false);
  for (const ms of [0, 250, 500, 999, 1_000, 1_250, 2_100, 15_100, 16_200, 17_300]) display.show(moment(), ms);
  display.end();
  expect(written.map((line) => line.slice(0, 7))).toEqual(["  0 s  ", "  1 s  ", "  2 s  ", "nothing"]);
  expect(written[0]).toBe("  0 s  in 40,000/s  refused or dropped 18,800/s  out 8,000/s  queue 7,000\n");
  for (const line of written) expect(line.length).toBeLessThanOrEqual(80);
  expect(written.join("")).not.toContain("\u001b");
});

test("a terminal's picture is the monitor's, drawn in its place, and the cursor comes back", () => {
  const { display, written } = collect(true);
  display.show(moment(), 0);
  display.show(moment(), 2_000);
  display.end();
  display.end();
  const [first, second, ...rest] = written;
  const lines = first.split("\n").length - 1;
  expect(lines).toBe(23);
  expect(first).toStartWith("\u001b[?25l\u001b[J");
  expect(first).toContain("best of ");
  expect(second).toStartWith(`\u001b[${lines}A\r\u001b[J`);
  expect(second).toContain("qos demo  2 of 15 s");
  expect(rest).toEqual(["\u001b[?25h\n"]);
});
