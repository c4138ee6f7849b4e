// The demo's two processes. Each is the leader of a group of its own, so that a Ctrl-C at the terminal reaches the demo
// alone, which then ends them in order; they are ended by their numbers, first asked, then forced.

import { closeSync, openSync, readFileSync } from "node:fs";

/** How long a process may take to end by itself when it is asked to. */
const END_MAX_MS = 5_000;

export interface Finished {
  /** null when it was ended by a signal. */
  readonly exitCode: number | null;
}

export class Child {
  readonly #process: Bun.Subprocess;

  /**
   * Starts a command, with its outputs in files.
   * @param logPath where standard error goes
   * @param outputPath where standard output goes
   */
  constructor(
    readonly name: string,
    command: readonly string[],
    private readonly logPath: string,
    private readonly outputPath: string,
  ) {
    const log = openSync(logPath, "w");
    const output = openSync(outputPath, "w");
    try {
      this.#process = Bun.spawn([...command], { detached: true, stdin: "ignore", stdout: output, stderr: log });
    } finally {
      closeSync(log);
      closeSync(output);
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  async finished(): Promise<Finished> {
    await this.#process.exited;
    return { exitCode: this.#process.signalCode === null ? this.#process.exitCode : null };
  }

  /** Asks it to end, and forces it if that takes too long. */
  async end(limitMs = END_MAX_MS): Promise<Finished> {
    this.#signal("SIGTERM");
    const force = setTimeout(() => this.kill(), limitMs);
    const result = await this.finished();
    clearTimeout(force);
    return result;
  }

  kill(): void {
    this.#signal("SIGKILL");
  }

  /** To the whole group: to what it started itself, too. */
  #signal(signal: NodeJS.Signals): void {
    if (!this.isRunning) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // it ended in this moment
    }
  }

  output(): string {
    return readFileSync(this.outputPath, "utf8");
  }

  /** The last lines of its log, for when something went wrong. */
  logTail(lines: number): string {
    return readFileSync(this.logPath, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  }
}
