// `qos report`: what a database says about a range of time, as tables, JSON, CSV or a page.

import { writeFileSync } from "node:fs";
import { openReader } from "../../database/reader.ts";
import { Failure, messageOf } from "../../failure.ts";
import { csvOf } from "../../report/csv.ts";
import { type Report, readReport } from "../../report/figures.ts";
import { TABLE_NAMES, tablesOf } from "../../report/tables.ts";
import { DATABASE_FLAGS, neededLocation } from "../../settings/database-flags.ts";
import { EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { choice, count, duration, onOff, path, text, time } from "../../settings/flags.ts";
import { VERSION } from "../../version.ts";
import { command } from "../command.ts";
import { table } from "../table.ts";

const GROUP = "Range";
const OUTPUT = "Output";
const DAY_MS = 86_400_000;

const FLAGS = {
  ...DATABASE_FLAGS,
  last: duration({
    help: "the time before --to, such as 1h; without it and --from everything",
    min: 1_000,
    max: 36_500 * DAY_MS,
    fallback: undefined,
    group: GROUP,
  }),
  from: time({ help: "begin of the range", group: GROUP }),
  to: time({ help: "end of the range [default the newest row]", group: GROUP }),
  host: text({
    help: "only what this host's sidecars saved",
    hint: "NAME",
    fallback: undefined,
    pattern: /^[^\0]{1,255}$/,
    allowed: "a host's name",
    group: GROUP,
  }),
  top: count({ help: "senders in each list", min: 1, max: 10_000, fallback: 10, group: OUTPUT }),
  table: choice(["all", ...TABLE_NAMES], { help: "only one table", fallback: "all", group: OUTPUT }),
  json: onOff({ help: "everything as one JSON object", group: OUTPUT }),
  csv: onOff({ help: "the tables as CSV", group: OUTPUT }),
  html: path({ help: "write one page with plots that needs nothing beside it", group: OUTPUT }),
};

export default command({
  name: "report",
  summary: "who earns and wastes what, from a database",
  about:
    "Reads a database that qos run wrote, and says who earned what and who sent for nothing, the captured value over time, " +
    "whether the score ranks well, how long packets waited, and the prices in and out by sender. Nothing is written to it.",
  flags: FLAGS,
  examples: [
    { line: "qos report --db sqlite:qos.db", says: "everything in the file, as tables" },
    { line: "qos report --db sqlite:qos.db --last 1h --html report.html", says: "the last hour as a page with plots" },
    {
      line: "qos report --db-url-file /etc/qos/db --from 2026-07-01T00:00:00Z --table wasters --csv",
      says: "one table of a PostgreSQL database as CSV",
    },
  ],
  run: async ({ values, out }) => {
    const { last, from, to, host, top } = values;
    if (last !== undefined && from !== undefined) throw new UsageError("--last and --from: give one of them");
    if (from !== undefined && to !== undefined && from >= to) throw new UsageError("--to is not after --from");
    if (values.json && values.csv) throw new UsageError("--json and --csv: give one of them");
    const reader = await openReader(neededLocation(values));
    try {
      const end = to ?? (last === undefined ? undefined : Date.now());
      const fromMs = last === undefined || end === undefined ? from : end - last;
      const report = await readReport(reader, { fromMs, toMs: end, host, top });
      if (host !== undefined && report.rows === null && report.hosts.length > 0) {
        throw new Failure(`--host: the database has no rows of "${host}"; its hosts are ${report.hosts.join(", ")}`);
      }
      const remark = remarkOf(report, last !== undefined && to === undefined ? Date.now() : undefined);
      if (remark !== undefined) out.note(`qos report: ${remark}`);
      if (values.html !== undefined) {
        // Loaded only for a page: its parts are text that no other output needs.
        const { htmlOf } = await import("../../report/html.ts");
        writePage(values.html, htmlOf(report, VERSION));
        out.note(`${values.html} is written`);
      }
      const tables = tablesOf(report).filter(({ name }) => values.table === "all" || values.table === name);
      if (values.json) out.json(report);
      else if (values.csv) out.line(csvOf(tables));
      else if (values.html === undefined) {
        tables.forEach(({ title, head, rows }, i) => {
          out.line(`${i > 0 ? "\n" : ""}${title}`);
          out.line((rows.length === 0 ? ["(nothing)"] : table(head, rows)).join("\n"));
        });
      }
      return EXIT_FINE;
    } finally {
      await reader.close();
    }
  },
});

/** A sidecar saves its statistics each minute, unless it was told another interval. */
const LAG_MS = 90_000;

/**
 * What a reader of an empty or half-empty report should know.
 * @param nowMs where the range ends now; undefined if it ends elsewhere
 */
export function remarkOf(report: Pick<Report, "from" | "to" | "rows">, nowMs: number | undefined): string | undefined {
  const { rows, from, to } = report;
  if (rows === null) return "the database holds no rows yet";
  const ageMs = nowMs === undefined ? 0 : nowMs - Date.parse(rows.last);
  const age = `its newest row is ${Math.round(ageMs / 1_000)} s old: the writer lags, or no sidecar writes to it now`;
  if (Date.parse(rows.last) < Date.parse(from) || Date.parse(rows.first) >= Date.parse(to)) {
    const where = `there are no rows between ${from} and ${to}; the database has them from ${rows.first} to ${rows.last}`;
    return ageMs > 0 ? `${where} (${age})` : where;
  }
  return ageMs > LAG_MS ? `the database does not reach to now: ${age}` : undefined;
}

function writePage(file: string, page: string): void {
  try {
    writeFileSync(file, page);
  } catch (error) {
    throw new Failure(`--html: ${messageOf(error)}`);
  }
}
