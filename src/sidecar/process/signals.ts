// Signals. Listened to from the very beginning: a stop may come while the tables are still being faulted in, and packets
// are taken by then. SIGINT and SIGTERM stop the sidecar; SIGHUP has it read its lists and stakes again; those that other
// programs use for themselves (a log rotation's SIGUSR1) would end a process that does not listen, so they are listened to.

const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;
const IGNORED_SIGNALS = ["SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO"] as const;
/** A second signal: 128 + SIGINT, as shells say it. */
const EXIT_INTERRUPTED = 130;

export interface SignalListener {
  /** SIGHUP. */
  readonly reload: () => void;
  /** A signal that means nothing to the sidecar. */
  readonly ignored: (name: string) => void;
}

export class Signals {
  /** Resolves with the first stop signal's name; a second one ends the process at once. */
  readonly stop: Promise<string>;
  /** What came before anybody listened. */
  readonly #waiting: ((listener: SignalListener) => void)[] = [];
  #listener: SignalListener | undefined;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.stop = promise;
    let stops = 0;
    for (const signal of STOP_SIGNALS) {
      process.on(signal, () => {
        stops += 1;
        if (stops > 1) process.exit(EXIT_INTERRUPTED);
        resolve(signal);
      });
    }
    process.on("SIGHUP", () => this.#tell((listener) => listener.reload()));
    for (const signal of IGNORED_SIGNALS) process.on(signal, () => this.#tell((listener) => listener.ignored(signal)));
  }

  /** From now on the listener hears of signals, and now of those that have come already. */
  listen(listener: SignalListener): void {
    this.#listener = listener;
    for (const tell of this.#waiting.splice(0)) tell(listener);
  }

  #tell(tell: (listener: SignalListener) => void): void {
    if (this.#listener !== undefined) tell(this.#listener);
    else if (this.#waiting.length < WAITING_MAX) this.#waiting.push(tell);
  }
}

/** Whoever sends more during a start is told of these. */
const WAITING_MAX = 16;
