// How a command ends: the exit codes, and the error that means the command line itself is wrong. (A Failure, which has
// exit code 1, is everybody's: src/failure.ts.)

export const EXIT_FINE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** The command line is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
