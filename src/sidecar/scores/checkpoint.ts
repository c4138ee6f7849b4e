// The checkpoint of a model's scores (`--state`): bytes that prove themselves. A magic, a version, a header that says whose
// scores they are, columns of keys, traits and scores, and a SHA-256 over all of it at the end.
//
// Keys are stored whole, not their ids: ids are keyed with a secret of one run.

import { createHash } from "node:crypto";
import { messageOf } from "../../failure.ts";

export const CHECKPOINT_VERSION = 1;

/** The scores of one table, by columns. */
export interface SavedTable {
  readonly name: string;
  readonly keyBytes: number;
  /** `keyBytes` a row. */
  readonly keys: Uint8Array;
  /** One byte a row (shape/digest-layout.ts, TRAITS_AT). */
  readonly traits: Uint8Array;
  readonly scores: Float64Array;
}

export interface SavedScores {
  readonly model: string;
  readonly tables: readonly SavedTable[];
}

export type DecodedCheckpoint =
  | { readonly state: "good"; readonly scores: SavedScores }
  | { readonly state: "bad"; readonly reason: string };

const MAGIC = Buffer.from("QOSSCORE", "latin1");
const VERSION_AT = 8;
const HEADER_LENGTH_AT = 12;
const HEADER_AT = 16;
const HEADER_MAX_BYTES = 65_536;
const DIGEST_BYTES = 32;
/** Two tables of a million payers are a fifth of it. */
export const CHECKPOINT_MAX_BYTES = 512 * 1024 * 1024;

const roundUp8 = (bytes: number): number => Math.ceil(bytes / 8) * 8;

interface HeaderTable {
  readonly name: string;
  readonly keyBytes: number;
  readonly rows: number;
}

/** Bytes of a table's columns: keys, then traits, each padded to 8 bytes, then scores. */
const tableBytes = ({ keyBytes, rows }: HeaderTable): number => roundUp8(keyBytes * rows) + roundUp8(rows) + 8 * rows;

export function encodeCheckpoint(saved: SavedScores): Uint8Array {
  const tables = saved.tables.map(({ name, keyBytes, traits }) => ({ name, keyBytes, rows: traits.length }));
  const header = Buffer.from(JSON.stringify({ model: saved.model, tables }), "utf8");
  const columnsAt = roundUp8(HEADER_AT + header.length);
  const bytes = Buffer.alloc(columnsAt + tables.reduce((sum, table) => sum + tableBytes(table), 0) + DIGEST_BYTES);
  bytes.set(MAGIC, 0);
  bytes.writeUInt32LE(CHECKPOINT_VERSION, VERSION_AT);
  bytes.writeUInt32LE(header.length, HEADER_LENGTH_AT);
  bytes.set(header, HEADER_AT);
  let at = columnsAt;
  for (const { keys, traits, scores } of saved.tables) {
    for (const column of [keys, traits, scores]) {
      bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
      at += roundUp8(column.byteLength);
    }
  }
  bytes.set(createHash("sha256").update(bytes.subarray(0, at)).digest(), at);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Proves and reads a checkpoint. Whatever the bytes, nothing is thrown.
 * @param model whose scores are wanted
 */
export function decodeCheckpoint(bytes: Uint8Array, model: string): DecodedCheckpoint {
  try {
    return { state: "good", scores: decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), model) };
  } catch (error) {
    return { state: "bad", reason: messageOf(error) };
  }
}

function decode(bytes: Buffer, model: string): SavedScores {
  if (bytes.length < HEADER_AT + DIGEST_BYTES) throw new Error(`it has only ${bytes.length} bytes`);
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error("it is not a checkpoint of scores");
  const version = bytes.readUInt32LE(VERSION_AT);
  if (version !== CHECKPOINT_VERSION) {
    throw new Error(`its version is ${version}, and ${CHECKPOINT_VERSION} is the one that is read`);
  }
  const end = bytes.length - DIGEST_BYTES;
  if (!createHash("sha256").update(bytes.subarray(0, end)).digest().equals(bytes.subarray(end))) {
    throw new Error("its checksum is wrong: it was cut short or changed");
  }
  const headerBytes = bytes.readUInt32LE(HEADER_LENGTH_AT);
  if (headerBytes > HEADER_MAX_BYTES || HEADER_AT + headerBytes > end) throw new Error("its header is too long");
  const header = readHeader(bytes.toString("utf8", HEADER_AT, HEADER_AT + headerBytes));
  if (header.model !== model)
    throw new Error(`it is of the model ${JSON.stringify(header.model)}, and this one is ${model}`);
  let at = roundUp8(HEADER_AT + headerBytes);
  const tables = header.tables.map((table): SavedTable => {
    if (at + tableBytes(table) > end) throw new Error(`its table ${JSON.stringify(table.name)} is cut short`);
    const { name, keyBytes, rows } = table;
    const column = (byteCount: number): Uint8Array => {
      const from = at;
      at += roundUp8(byteCount);
      return Uint8Array.from(bytes.subarray(from, from + byteCount));
    };
    const keys = column(keyBytes * rows);
    const traits = column(rows);
    return { name, keyBytes, keys, traits, scores: new Float64Array(column(8 * rows).buffer) };
  });
  if (at !== end) throw new Error(`${end - at} bytes follow its tables`);
  return { model, tables };
}

function readHeader(text: string): { model: string; tables: readonly HeaderTable[] } {
  const header: unknown = JSON.parse(text);
  const { model, tables } = (typeof header === "object" && header !== null ? header : {}) as Record<string, unknown>;
  if (typeof model !== "string" || !Array.isArray(tables)) throw new Error("its header is not one");
  const whole = (value: unknown, most: number): value is number =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most;
  for (const table of tables as Record<string, unknown>[]) {
    if (typeof table?.name !== "string" || !whole(table.keyBytes, 64) || !whole(table.rows, 2 ** 24)) {
      throw new Error("its header describes no tables");
    }
  }
  return { model, tables: tables as HeaderTable[] };
}
