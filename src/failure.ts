// A failure that is not a fault of the program: its message is a sentence for the operator, which says what is wrong and
// what to do about it. A catcher shows the message and no more.

export class Failure extends Error {
  override readonly name: string = "Failure";
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
