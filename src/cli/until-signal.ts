// Commands that go on until somebody ends them: the first signal asks for a good end, the second ends the process.

const EXIT_INTERRUPTED = 130;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export interface UntilSignal {
  readonly stop: AbortSignal;
  /** Signals mean again what they usually mean. */
  readonly done: () => void;
}

export function untilSignal(): UntilSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    stop: controller.signal,
    done: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
