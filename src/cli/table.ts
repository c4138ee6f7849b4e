// Columns for the terminal: as wide as their widest cell, numbers to the right.

/**
 * @param rows cells as text or number; all rows have as many as `head`
 * @returns lines without trailing blanks
 */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => String(row[column]).length)));
  const right = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === "number"));
  const lineOf = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, column) =>
        right[column] ? String(cell).padStart(widths[column]) : String(cell).padEnd(widths[column]),
      )
      .join("  ")
      .trimEnd();
  return [lineOf(head), ...rows.map(lineOf)];
}
