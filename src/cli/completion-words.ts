// What may stand at a flag or an argument, for completions: the words that the tables of flags know, and those that they
// do not know, such as channels, scenarios, users and groups.

import type { Positional } from "../settings/arguments.ts";
import type { Flag } from "../settings/flags.ts";
import { CHANNELS } from "../shape/channels.ts";
import { SCENARIOS } from "../simulator/scenarios/index.ts";

/** `words-or-file`: one of the words, or a file's name. `user` and `group`: names that the host knows. */
export type Offer =
  | { readonly kind: "words" | "words-or-file"; readonly words: readonly string[] }
  | { readonly kind: "file" | "user" | "group" | "none"; readonly words?: undefined };

const NONE: Offer = { kind: "none" };

/** @param name the flag's name in its table */
export function offerOfFlag(name: string, row: Flag<unknown>): Offer {
  if (row.choices.length > 0) return { kind: "words", words: row.choices };
  if (row.kind === "path") return { kind: "file" };
  if (name === "scenario") return { kind: "words-or-file", words: Object.keys(SCENARIOS) };
  return name === "user" || name === "group" ? { kind: name } : NONE;
}

/** An argument is one of the words that its name lists (`show|init|check`), a channel, or a file. */
export function offerOfPlace({ name }: Positional): Offer {
  if (/^[a-z][a-z0-9-]*(\|[a-z][a-z0-9-]*)*$/.test(name)) return { kind: "words", words: name.split("|") };
  if (name === "CHANNEL") return { kind: "words", words: CHANNELS.map((channel) => channel.name) };
  return name === "FILE" ? { kind: "file" } : NONE;
}

/** Words of the second argument that follow one word of the first. */
export interface Following {
  readonly command: string;
  readonly after: string;
  readonly words: readonly string[];
}

/** `qos ctl set` takes these (ctl.ts); a test holds the two together. */
export const FOLLOWING: readonly Following[] = [{ command: "ctl", after: "set", words: ["target-pps"] }];
