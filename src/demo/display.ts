// Where the demo's lines go: a terminal, where the picture is drawn anew in its place, or anything else (a pipe, a log),
// where a plain line a second is enough.

import { drawScreen, type Moment, plainLine } from "./screen.ts";

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_BELOW = "\u001b[J";
const SECOND_MS = 1_000;
const DEFAULT_HEIGHT = 24;
const DEFAULT_WIDTH = 80;

export interface Terminal {
  readonly isTTY: boolean;
  readonly rows?: number;
  readonly columns?: number;
  write(text: string): unknown;
}

export class Display {
  #drawn = 0;
  #lastLineMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly terminal: Terminal) {}

  /** Shows the flow at this moment. */
  show(moment: Moment): void {
    if (this.terminal.isTTY) this.#redraw(moment);
    else if (moment.elapsedMs - this.#lastLineMs >= SECOND_MS) {
      this.#lastLineMs = moment.elapsedMs;
      this.terminal.write(`${plainLine(moment)}\n`);
    }
  }

  /** The last picture stays; lines go on below it. */
  end(): void {
    if (this.#drawn > 0) this.terminal.write(`${SHOW_CURSOR}\n`);
    this.#drawn = 0;
  }

  #redraw(moment: Moment): void {
    const { rows = DEFAULT_HEIGHT, columns = DEFAULT_WIDTH } = this.terminal;
    // one line is left for the cursor below the picture, one column so that no line wraps
    const lines = drawScreen(moment, rows - 1, columns - 1);
    const back = this.#drawn > 0 ? `\u001b[${this.#drawn}A\r` : HIDE_CURSOR;
    this.terminal.write(`${back}${CLEAR_BELOW}${lines.join("\n")}\n`);
    this.#drawn = lines.length;
  }
}
