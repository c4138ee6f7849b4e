// The tables in PostgreSQL, for drizzle; made of tables.ts. Partitioned by time (by day), so each key holds its time; see
// migrations/postgres.

import {
  bigint,
  boolean,
  doublePrecision,
  type PgColumnBuilderBase,
  pgTable,
  primaryKey,
  text,
} from "drizzle-orm/pg-core";
import type { BatchKind } from "./batch.ts";
import { type ColumnKind, columnName, TABLES, type TableSpec } from "./tables.ts";

const BUILDERS = {
  text: (name: string) => text(name),
  integer: (name: string) => bigint(name, { mode: "number" }),
  real: (name: string) => doublePrecision(name),
  boolean: (name: string) => boolean(name),
} as const satisfies Readonly<Record<ColumnKind, unknown>>;

function tableOf({ table, columns, key }: TableSpec) {
  const builders: Record<string, PgColumnBuilderBase> = {};
  for (const [field, { kind, isNullable }] of Object.entries(columns)) {
    const column = BUILDERS[kind](columnName(field));
    builders[field] = isNullable ? column : column.notNull();
  }
  return pgTable(table, builders, (made) => {
    const [first, ...more] = key.map((field) => made[field]);
    return [primaryKey({ columns: [first, ...more] })];
  });
}

export const POSTGRES_TABLES: Readonly<Record<BatchKind, ReturnType<typeof tableOf>>> = {
  session: tableOf(TABLES.session),
  transactions: tableOf(TABLES.transactions),
  fates: tableOf(TABLES.fates),
  scores: tableOf(TABLES.scores),
  statistics: tableOf(TABLES.statistics),
};
