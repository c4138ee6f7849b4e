// Signals that end the sidecar. Listened to from the very beginning: a stop may come while the tables are still being
// faulted in, and packets are taken by then.

const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** A second signal: 128 + SIGINT, as shells say it. */
const EXIT_INTERRUPTED = 130;

/** @returns resolves with the first signal's name; a second one ends the process at once */
export function listenForStop(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let signals = 0;
  for (const signal of STOP_SIGNALS) {
    process.on(signal, () => {
      signals += 1;
      if (signals > 1) process.exit(EXIT_INTERRUPTED);
      resolve(signal);
    });
  }
  return promise;
}
