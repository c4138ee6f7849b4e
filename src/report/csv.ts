// Tables as CSV (RFC 4180, with line feeds). A first column names the table, so that all of them can stand in one file.

import type { Cell, NamedTable } from "./tables.ts";

/** Spreadsheets run cells that begin like this. Senders' names come from the network. */
const FORMULA = /^[=+\-@\t\r]/;

export function csvOf(tables: readonly NamedTable[]): string {
  return tables
    .map(({ name, head, rows }) => [["table", ...head], ...rows.map((row) => [name, ...row])].map(line).join("\n"))
    .join("\n\n");
}

function line(cells: readonly Cell[]): string {
  return cells.map(cellText).join(",");
}

function cellText(cell: Cell): string {
  if (typeof cell === "number") return String(cell);
  const safe = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
