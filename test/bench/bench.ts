// How figures are taken: both sides of a line run in turn, ours, theirs, ours, theirs, each in the CPU time of the thread
// that does the work; a line's figures are the medians of its runs, and the least beside them.

import type { Sample } from "./baselines.ts";

export interface Bench {
  readonly name: string;
  /** What one operation is. */
  readonly unit: string;
  ours(): Sample | Promise<Sample>;
  /** Absent: nothing to compare with, or the Rust baselines are not built. */
  readonly theirs?: (() => Sample | Promise<Sample>) | undefined;
  /** The name of `theirs`, if it is not the Rust baselines. */
  readonly versus?: string;
  /** Both sides' checksums must be equal. */
  readonly same?: boolean;
  /** How the figure was come by, in the table's footnotes. */
  readonly note?: string;
}

export interface Figure {
  readonly medianNanos: number;
  readonly leastNanos: number;
}

export interface Line {
  readonly name: string;
  readonly unit: string;
  readonly ours: Figure;
  readonly theirs?: Figure;
  readonly versus?: string;
  /** Their median over ours: how many times faster we are. */
  readonly ratio?: number;
  /** The same of the least. */
  readonly ratioOfLeast?: number;
  readonly checksum: string;
  readonly theirChecksum?: string;
  /** False if checksums that must be equal are not. */
  readonly agrees: boolean;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const perOperation = ({ nanos, operations }: Sample): number => nanos / operations;

function figureOf(samples: readonly Sample[]): Figure {
  const each = samples.map(perOperation);
  return { medianNanos: median(each), leastNanos: Math.min(...each) };
}

/** Runs a bench in turns. @param warm runs of both sides before the first that counts */
export async function measure(bench: Bench, rounds: number, warm: number): Promise<Line> {
  const ours: Sample[] = [];
  const theirs: Sample[] = [];
  for (let round = -warm; round < rounds; round++) {
    const our = await bench.ours();
    const their = await bench.theirs?.();
    if (bench.same === true && their !== undefined && our.checksum !== their.checksum) {
      return lineOf(bench, [our], [their], false);
    }
    if (round < 0) continue;
    ours.push(our);
    if (their !== undefined) theirs.push(their);
  }
  return lineOf(bench, ours, theirs, true);
}

function lineOf(bench: Bench, ours: readonly Sample[], theirs: readonly Sample[], agrees: boolean): Line {
  const our = figureOf(ours);
  const line = { name: bench.name, unit: bench.unit, ours: our, checksum: ours[0].checksum, agrees };
  if (theirs.length === 0) return line;
  const their = figureOf(theirs);
  return {
    ...line,
    theirs: their,
    versus: bench.versus ?? "Rust baselines",
    ratio: their.medianNanos / our.medianNanos,
    ratioOfLeast: their.leastNanos / our.leastNanos,
    theirChecksum: theirs[0].checksum,
  };
}

const nanosText = (nanos: number): string => {
  if (nanos >= 1e6) return `${(nanos / 1e6).toFixed(2)} ms`;
  if (nanos >= 1e4) return `${(nanos / 1e3).toFixed(1)} us`;
  return `${nanos.toFixed(1)} ns`;
};
const ratioText = (ratio: number | undefined): string => (ratio === undefined ? "-" : `${ratio.toFixed(2)} x`);

export const HEADINGS = ["", "a", "ours", "least", "theirs", "least", "ratio", "of least", "checksum"] as const;

/** A line's cells, in the order of the headings. */
export function cellsOf(line: Line): string[] {
  const { theirs } = line;
  return [
    line.name,
    line.unit,
    nanosText(line.ours.medianNanos),
    nanosText(line.ours.leastNanos),
    theirs === undefined ? "-" : nanosText(theirs.medianNanos),
    theirs === undefined ? "-" : nanosText(theirs.leastNanos),
    ratioText(line.ratio),
    ratioText(line.ratioOfLeast),
    line.agrees ? line.checksum : `${line.checksum} is not theirs, ${line.theirChecksum}`,
  ];
}

/** Prints cells as columns; the first and the last are text, the others numbers. */
export function printRow(cells: readonly string[]): void {
  const widths = [46, 7, 10, 10, 10, 10, 8, 9, 18];
  console.log(
    cells.map((cell, i) => (i === 0 || i === 8 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(" "),
  );
}
