// The tables in SQLite, for drizzle; made of tables.ts. The statements that make them are in migrations/.

import { integer, primaryKey, real, type SQLiteColumnBuilderBase, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { BatchKind } from "./batch.ts";
import { type ColumnKind, columnName, TABLES, type TableSpec } from "./tables.ts";

const BUILDERS = {
  text: (name: string) => text(name),
  integer: (name: string) => integer(name),
  real: (name: string) => real(name),
  boolean: (name: string) => integer(name, { mode: "boolean" }),
} as const satisfies Readonly<Record<ColumnKind, unknown>>;

function tableOf({ table, columns, key }: TableSpec) {
  const builders: Record<string, SQLiteColumnBuilderBase> = {};
  for (const [field, { kind, isNullable }] of Object.entries(columns)) {
    const column = BUILDERS[kind](columnName(field));
    builders[field] = isNullable ? column : column.notNull();
  }
  return sqliteTable(table, builders, (made) => {
    const [first, ...more] = key.map((field) => made[field]);
    return [primaryKey({ columns: [first, ...more] })];
  });
}

export const SQLITE_TABLES: Readonly<Record<BatchKind, ReturnType<typeof tableOf>>> = {
  session: tableOf(TABLES.session),
  transactions: tableOf(TABLES.transactions),
  fates: tableOf(TABLES.fates),
  scores: tableOf(TABLES.scores),
  statistics: tableOf(TABLES.statistics),
};
