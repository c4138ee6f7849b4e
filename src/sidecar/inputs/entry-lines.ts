// Text files of the operator's, line by line: lists of senders, stakes, scores. `#` begins a comment. The bytes are
// anybody's: a line that is wrong is named with its number and left out, the others count.

/** Wrong lines that a message names; more are counted. */
const PROBLEMS_MAX = 20;
/** Characters of a wrong line that a message repeats. */
const SHOWN_MAX = 60;

/** What was left out of a file. */
export interface ProblemList {
  /** Each with its line's number, the first PROBLEMS_MAX of them. */
  readonly problems: readonly string[];
  readonly problemCount: number;
}

export class Problems implements ProblemList {
  readonly problems: string[] = [];
  problemCount = 0;

  /** Leaves a line out. */
  refuse(line: number, why: string): void {
    this.problemCount += 1;
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(`line ${line}: ${why}`);
  }
}

/** The sentences that a log or a terminal gets about a file. */
export function problemLines(path: string, { problems, problemCount }: ProblemList): string[] {
  const named = problems.map((problem) => `${path}, ${problem}`);
  const more = problemCount - problems.length;
  return more > 0 ? [...named, `${path}: ${more} more lines are wrong`] : named;
}

const BYTE_ORDER_MARK = "\u00ef\u00bb\u00bf"; // UTF-8's, read as Latin-1

/** The lines that say something, without their comments, and their numbers from 1 on. */
export function* entryLines(content: Uint8Array): Generator<{ readonly line: number; readonly text: string }> {
  const all = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString("latin1");
  const lines = (all.startsWith(BYTE_ORDER_MARK) ? all.slice(BYTE_ORDER_MARK.length) : all).split("\n");
  for (const [index, raw] of lines.entries()) {
    const text = raw.replace(/#.*/, "").trim();
    if (text !== "") yield { line: index + 1, text };
  }
}

/** A piece of a file as a message may repeat it. */
export function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text);
}
