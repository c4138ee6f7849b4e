// Where the demo's moments go: a terminal, where the monitor's screen is drawn anew in its place, or anything else (a pipe, a
// log), where a plain line a second is enough.

import type { Moment } from "../observe/moments.ts";
import { screen } from "../observe/screen.ts";
import { plainLine, timeText } from "./summary.ts";

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_BELOW = "\u001b[J";
const SECOND_MS = 1_000;
const DEFAULT_HEIGHT = 24;
const DEFAULT_WIDTH = 80;
/** The screen needs no more, however tall the terminal is: what the demo said before stays in sight. */
const ROWS_MAX = 40;

export interface Terminal {
  readonly isTTY: boolean;
  readonly rows?: number;
  readonly columns?: number;
  write(text: string): unknown;
}

export class Display {
  #drawn = 0;
  #lastLineMs = Number.NEGATIVE_INFINITY;
  #saidEmptying = false;

  constructor(
    private readonly terminal: Terminal,
    private readonly totalMs: number,
  ) {}

  /** Shows the flow at this moment. @param elapsedMs since the flow began */
  show(moment: Moment, elapsedMs: number): void {
    if (this.terminal.isTTY) this.#redraw(moment, elapsedMs);
    else if (elapsedMs > this.totalMs) this.#sayEmptying();
    else if (elapsedMs - this.#lastLineMs >= SECOND_MS) {
      this.#lastLineMs = elapsedMs;
      this.terminal.write(`${plainLine(moment, elapsedMs)}\n`);
    }
  }

  /** The last picture stays; lines go on below it. */
  end(): void {
    if (this.#drawn > 0) this.terminal.write(`${SHOW_CURSOR}\n`);
    this.#drawn = 0;
  }

  /** Nothing comes any more: a line a second would say the same each time. */
  #sayEmptying(): void {
    if (!this.#saidEmptying) this.terminal.write("nothing more comes; the sidecar empties its queue\n");
    this.#saidEmptying = true;
  }

  #redraw(moment: Moment, elapsedMs: number): void {
    const { rows = DEFAULT_HEIGHT, columns = DEFAULT_WIDTH } = this.terminal;
    // One line is left for the cursor below the picture, one column so that no line wraps.
    const size = { rows: Math.min(ROWS_MAX, rows - 1), columns: columns - 1 };
    const footer = `qos demo  ${timeText(elapsedMs, this.totalMs)}  Ctrl-C ends it and removes what it made`;
    const lines = screen(moment, { ...size, colour: true, paused: false, sort: "best", kind: "ips", footer });
    const back = this.#drawn > 0 ? `\u001b[${this.#drawn}A\r` : HIDE_CURSOR;
    this.terminal.write(`${back}${CLEAR_BELOW}${lines.join("\n")}\n`);
    this.#drawn = lines.length;
  }
}
