// What the writer asks of a database. Everything that goes wrong is thrown as a DatabaseProblem (problem.ts).

import type { Location } from "../settings/database-location.ts";
import type { Batch } from "./batch.ts";
import { openPostgresSink } from "./postgres-sink.ts";
import { openSqliteSink } from "./sqlite-sink.ts";

export interface Sink {
  /**
   * Writes a batch's rows, in pieces. Rows whose key is there already are let be.
   * @param onRows is told of each piece's new rows once they are in: those stay, whatever becomes of the next piece
   * @returns rows that were new
   */
  insert(batch: Batch, onRows?: (count: number) => void): Promise<number>;
  /** Deletes a piece of what is older than a time. @returns whether there may be more */
  retain(beforeUs: number): Promise<boolean>;
  close(): Promise<void>;
}

/** Connects, checks the tables' version, makes or upgrades them. @throws DatabaseProblem */
export async function openSink(location: Location): Promise<Sink> {
  return location.kind === "sqlite" ? openSqliteSink(location) : await openPostgresSink(location);
}
