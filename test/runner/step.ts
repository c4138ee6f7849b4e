// Runs one step of the test run as a process group of its own, with a time limit, and ends whatever it left running.
// A step that hangs is killed with its whole group; its children are found by their session or by a marked environment,
// so that a test which detaches a process and forgets it does not go unnoticed.

import { commandLine, listProcesses, readProc, sessionOf } from "./processes.ts";

export interface Step {
  readonly name: string;
  readonly command: readonly string[];
  readonly limitMs: number;
  /** Print as it comes, or only when the step fails. */
  readonly output: "stream" | "on-failure";
}

export interface StepResult {
  /** null when ended by a signal. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly output: string;
  readonly elapsedMs: number;
  /** Command lines of processes that the step left running (ended here). */
  readonly strays: readonly string[];
}

const MARK = "QOS_TEST_STEP";
/** A child that was told to end may need a moment to be gone. */
const STRAY_GRACE_MS = 1_000;

const running = new Set<number>();

/** Ends the groups of all steps under way; for a run that is interrupted. */
export function endRunningSteps(): void {
  for (const pid of running) signalGroup(pid, "SIGKILL");
}

export async function runStep(step: Step, environment: Record<string, string | undefined>): Promise<StepResult> {
  const started = performance.now();
  const mark = `${process.pid}.${Math.trunc(started * 1000)}`;
  const child = Bun.spawn([...step.command], {
    detached: true,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...environment, [MARK]: mark },
  });
  running.add(child.pid);
  const chunks: Uint8Array[] = [];
  const take = async (stream: ReadableStream<Uint8Array>, out: NodeJS.WriteStream): Promise<void> => {
    for await (const chunk of stream) {
      chunks.push(chunk);
      if (step.output === "stream") out.write(chunk);
    }
  };
  const drained = Promise.all([take(child.stdout, process.stdout), take(child.stderr, process.stderr)]);

  let timedOut = false;
  const limit = setTimeout(() => {
    timedOut = true;
    signalGroup(child.pid, "SIGKILL");
  }, step.limitMs);
  await child.exited;
  clearTimeout(limit);

  const strays = await endStrays(child.pid, mark);
  running.delete(child.pid);
  await drained; // only now: a stray would have held the pipes open
  const output = Buffer.concat(chunks).toString();
  const exitCode = child.signalCode === null ? child.exitCode : null;
  return { exitCode, timedOut, output, elapsedMs: performance.now() - started, strays };
}

async function endStrays(session: number, mark: string): Promise<string[]> {
  const deadline = performance.now() + STRAY_GRACE_MS;
  let found = findProcesses(session, mark);
  while (found.length > 0 && performance.now() < deadline) {
    await Bun.sleep(20);
    found = findProcesses(session, mark);
  }
  const described = found.map((pid) => `${pid} ${commandLine(pid)}`);
  for (const pid of found) signalProcess(pid, "SIGKILL");
  return described;
}

/** Live processes of the session, or with the mark in their environment. */
function findProcesses(session: number, mark: string): number[] {
  const marked = (pid: number): boolean => readProc(pid, "environ").includes(`${MARK}=${mark}\0`);
  return listProcesses().filter((pid) => pid !== process.pid && (sessionOf(pid) === session || marked(pid)));
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  signalProcess(-pid, signal);
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // already gone
  }
}
