// The parts of documents that are made from the program's own tables: commands, flags, channels, statistics. Each stands
// between two markers; `npm run docs` writes them anew, and a test fails if a document says something else.

import type { AnyCommand } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/root.ts";
import { FAULTS } from "../../src/observe/faults.ts";
import { type Flag, flagName } from "../../src/settings/flags.ts";
import { CHANNELS, capacityOf, elementBytes } from "../../src/shape/channels.ts";
import { PACKET_LAYOUT_NAMES } from "../../src/shape/packet-layouts.ts";
import { STATISTICS } from "../../src/shape/statistics.ts";

const cell = (text: string): string => text.replaceAll("|", "\\|");
const line = (...cells: string[]): string => `| ${cells.map(cell).join(" | ")} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [line(...head), line(...head.map(() => "---")), ...rows.map((row) => line(...row))].join("\n");
}

function flagRow([name, row]: [string, Flag<unknown>]): string[] {
  const typed = `\`${flagName(name, row)}${row.hint === "" ? "" : ` ${row.hint}`}\``;
  const environment = row.env === undefined ? "" : ` (environment: \`${row.env}\`)`;
  return [typed, row.fallbackText === "" ? "" : `\`${row.fallbackText}\``, `${row.help}${environment}`];
}

function commandSection(command: AnyCommand): string {
  const places = (command.positionals ?? []).map(({ name, required }) => (required ? ` ${name}` : ` [${name}]`));
  const title = `### \`qos ${command.name}${places.join("")}\``;
  return `${title}\n\n${command.about}\n\n${table(["flag", "default", "meaning"], Object.entries(command.flags).map(flagRow))}`;
}

/** A document's sections: marker -> the text that belongs below it. */
export type Sections = ReadonlyMap<string, string>;

/** Document -> its sections. */
export async function makeSections(): Promise<ReadonlyMap<string, Sections>> {
  const commands = await Promise.all(COMMANDS.map((entry) => entry.load()));
  const summaries = table(
    ["command", "does"],
    COMMANDS.map(({ name, summary }) => [`qos ${name}`, summary]),
  );
  const channels = table(
    ["channel", "from", "to", "element, bytes", "capacity"],
    CHANNELS.map((spec) => {
      const sizes = new Set(PACKET_LAYOUT_NAMES.map((layout) => elementBytes(spec, layout)));
      const capacities = new Set(PACKET_LAYOUT_NAMES.map((layout) => capacityOf(spec, layout)));
      return [`\`${spec.name}\``, spec.from, spec.to, [...sizes].join(" or "), [...capacities].join(" or ")];
    }),
  );
  const statistics = table(
    ["counter", "kind", "counts"],
    STATISTICS.map(({ name, kind, help }) => [`\`${name}\``, kind, help]),
  );
  const faults = table(
    ["fault", "counts"],
    FAULTS.map(({ name, help }) => [`\`${name}\``, help]),
  );
  return new Map([
    ["README.md", new Map([["commands", summaries]])],
    ["docs/commands.md", new Map([["flags", commands.map(commandSection).join("\n\n")]])],
    ["docs/wire.md", new Map([["channels", channels]])],
    [
      "docs/operating.md",
      new Map([
        ["statistics", statistics],
        ["faults", faults],
      ]),
    ],
  ]);
}

const byDocs = (name: string): string => `<!-- ${name}: written by npm run docs -->`;
/** The sections that a document says are written by `npm run docs`. */
export const sectionsOf = (document: string): string[] =>
  [...document.matchAll(/^<!-- (.+): written by npm run docs -->$/gm)].map(([, name]) => name);
const CLOSING = "<!-- end -->";

/** @throws Error if a marker is missing */
export function replaceSections(
  document: string,
  sections: ReadonlyMap<string, string>,
  opening: (name: string) => string = byDocs,
): string {
  let text = document;
  for (const [name, section] of sections) {
    const from = text.indexOf(opening(name));
    const to = text.indexOf(CLOSING, from);
    if (from < 0 || to < 0) throw new Error(`the document has no section "${name}"`);
    text = `${text.slice(0, from)}${opening(name)}\n${section}\n${text.slice(to)}`;
  }
  return text;
}
