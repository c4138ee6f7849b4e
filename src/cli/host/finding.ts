// A line of `qos check`.

export type Level = "ok" | "warn" | "fail";

export interface Finding {
  readonly name: string;
  readonly level: Level;
  readonly says: string;
  /** What mends it. */
  readonly mend: string | undefined;
}

export const ok = (name: string, says: string): Finding => ({ name, level: "ok", says, mend: undefined });
export const warn = (name: string, says: string, mend?: string): Finding => ({ name, level: "warn", says, mend });
export const fail = (name: string, says: string, mend?: string): Finding => ({ name, level: "fail", says, mend });
