// What a command prints, kept for a test.

import { type Output, toJson } from "../../src/cli/output.ts";

export class CapturedOutput implements Output {
  readonly lines: string[] = [];
  readonly notes: string[] = [];
  isClosed = false;

  readonly line = (text: string): void => {
    this.lines.push(text);
  };
  readonly json = (value: unknown): void => this.line(toJson(value));
  readonly note = (text: string): void => {
    this.notes.push(text);
  };
  readonly closed = (): boolean => this.isClosed;

  /** The one JSON line that was printed. */
  parsed<Shape>(): Shape {
    if (this.lines.length !== 1) throw new Error(`one line was expected: ${this.lines.join("\n")}`);
    return JSON.parse(this.lines[0]) as Shape;
  }
}
