// The reasons for people: each code's name (as `qos decode` prints it) and one sentence, from the table of ends.

import { END_FAILED_VIEW, END_OF_REASON, ENDS, type End, endOf, NEVER_REASONS, REASON_GOOD } from "../shape/ends.ts";

export interface Reason {
  readonly code: number;
  readonly name: string;
  readonly help: string;
}

/** What a reason says about the packet. */
export type Verdict = "ok" | "refused" | "malformed" | "unsanitary";

export const REASONS: readonly Reason[] = [
  { code: REASON_GOOD, name: "GOOD", help: "nothing is wrong" },
  ...[...ENDS.flatMap(({ reasons }) => reasons ?? []), ...NEVER_REASONS].map(([code, name, help]) => ({
    code,
    name,
    help,
  })),
];

const BY_CODE: readonly (Reason | undefined)[] = REASONS.reduce<Reason[]>((table, reason) => {
  table[reason.code] = reason;
  return table;
}, []);

/** @returns the reason of a code, with a name made up for one that no table knows */
export function reasonOf(code: number): Reason {
  return BY_CODE[code] ?? { code, name: `REASON_${code}`, help: "unknown reason" };
}

/** The end of a packet that is refused for a reason; undefined for a reason that refuses no packet. */
export function endOfReason(code: number): End | undefined {
  const isGood = code === REASON_GOOD || NEVER_REASONS.some(([never]) => never === code);
  return isGood ? undefined : endOf(END_OF_REASON[code]);
}

/** What a reason says about the packet. A packet that is never included is `ok`. */
export function verdictOf(code: number): Verdict {
  const end = endOfReason(code);
  if (end === undefined) return "ok";
  if (end.code === END_FAILED_VIEW) return "malformed";
  return end.name === "failedSanitize" ? "unsanitary" : "refused";
}
