// Columns for the terminal: as wide as their widest cell, numbers to the right. A cell is one line, whatever it holds: names
// come from outside, and one with a line feed could forge a row.

const oneLine = (cell: string | number): string => String(cell).replace(/[\n\t]/g, "?");

/**
 * @param rows cells as text or number; all rows have as many as `head`
 * @returns lines without trailing blanks
 */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => oneLine(row[column]).length)));
  const right = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === "number"));
  const lineOf = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, column) =>
        right[column] ? oneLine(cell).padStart(widths[column]) : oneLine(cell).padEnd(widths[column]),
      )
      .join("  ")
      .trimEnd();
  return [lineOf(head), ...rows.map(lineOf)];
}
