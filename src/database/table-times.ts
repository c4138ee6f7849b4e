// Which column of each table is its time: what retention, partitions and ranges of a report go by. Sessions stay: one row a
// run, and a run may be older than all that is left of it.

export const TIMES = {
  transactions: { table: "qos_transactions", column: "completed_us", key: ["session", "sequence", "completed_us"] },
  fates: { table: "qos_fates", column: "ended_us", key: ["session", "sequence", "ended_us"] },
  scores: { table: "qos_scores", column: "updated_us", key: ["session", "updated_us", "kind", "sender"] },
  statistics: { table: "qos_statistics", column: "at_us", key: ["session", "at_us", "name"] },
} as const;

/** Rows deleted in one statement: no long lock, no long wait of the batches behind it. */
export const DELETE_ROWS = 5_000;

/** Deletes some of a table's rows that are older than the parameter. */
export function deleteOlder({ table, column, key }: (typeof TIMES)[keyof typeof TIMES], parameter: string): string {
  const keys = key.join(", ");
  return (
    `DELETE FROM ${table} WHERE (${keys}) IN ` +
    `(SELECT ${keys} FROM ${table} WHERE ${column} < ${parameter} ORDER BY ${column} LIMIT ${DELETE_ROWS})`
  );
}
