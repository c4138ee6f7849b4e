// Reads the counts out of what `bun test` printed. Output without the closing lines means that bun itself died, and a
// run that counts no failure but exits with one has failed outside of any test: both must not pass for a success.

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const CLOSING = /^Ran \d+ tests? across \d+ files?\./m;
const ANSI_COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

/** The number in the last line ` N word` before the closing line; 0 if there is none. */
function lastCount(text: string, word: string): number {
  const found = [...text.matchAll(new RegExp(`^ *(\\d+) ${word}s?$`, "gm"))];
  return Number(found.at(-1)?.[1] ?? 0);
}

/**
 * Counts of one `bun test` process.
 * @param output everything that it printed, colours included
 * @param exitCode its exit code; null when it was ended by a signal
 */
export function countTests(output: string, exitCode: number | null): Counts {
  const plain = output.replace(ANSI_COLOUR, "");
  const closing = plain.search(CLOSING);
  if (closing < 0) return { passed: 0, failed: 1, skipped: 0 };
  const text = plain.slice(0, closing);
  const passed = lastCount(text, "pass");
  const failed = lastCount(text, "fail") + lastCount(text, "error");
  const skipped = lastCount(text, "skip") + lastCount(text, "todo");
  const silentFailure = exitCode !== 0 && failed === 0;
  return { passed, failed: silentFailure ? 1 : failed, skipped };
}

export function addCounts(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** The closing line that a reader, human or machine, looks for. */
export function closingLine(counts: Counts): string {
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`;
}
