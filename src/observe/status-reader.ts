// A running sidecar's status page as another process reads it: a copy of the file `<prefix>qos_status`, believed only where
// nobody wrote meanwhile. Reading is all it does: the sidecar does not notice.

import * as v from "valibot";
import { SystemError } from "../../ffi/libc.ts";
import { closeFile, lockHolder, openExisting, readAt, statFile, statPath } from "../../ffi/shared-memory.ts";
import { strangersFile, type Trust, trustOf } from "../channel/owners.ts";
import { sharedPath } from "../channel/place.ts";
import { readStatus, type Snapshot, statusVersion } from "../engine/status.ts";
import { STATUS_BYTES } from "../shape/layout.ts";
import { printable } from "../wire/printable.ts";
import { type Board, boardVersion, readBoard } from "./board.ts";

/** The file's name behind the channels' prefix. */
export const STATUS_NAME = "qos_status";
const TRIES_MAX = 100;

const number = v.pipe(v.number(), v.finite());
const counts = v.record(v.string(), number);
const rows = v.array(v.looseObject({ sender: v.string(), score: number }));
const standing = v.object({ known: number, top: rows, bottom: rows });
/** What of a board is used here. The page may be another user's, or of another build. */
const BOARD = v.looseObject({
  version: v.string(),
  pid: number,
  startedMs: number,
  writtenMs: number,
  prefix: v.string(),
  model: v.string(),
  targetPps: number,
  paused: v.boolean(),
  heartbeatAgeMs: v.record(v.string(), v.nullable(number)),
  loopAgeMs: number,
  updates: v.array(v.object({ atMs: number, updates: number, outcomes: number, included: number })),
  senders: v.object({ ips: standing, payers: standing }),
  database: v.nullable(counts),
  faults: counts,
  detached: counts,
});

export function statusPath(prefix: string): string {
  return sharedPath(`${prefix}${STATUS_NAME}`);
}

export interface SidecarPicture {
  readonly snapshot: Snapshot;
  readonly board: Board;
}

/** @returns undefined if the text is not a board. Its texts go to terminals */
export function parseBoard(text: string): Board | undefined {
  try {
    const found: unknown = JSON.parse(text, (_, value) => (typeof value === "string" ? printable(value) : value));
    return v.is(BOARD, found) ? (found as unknown as Board) : undefined;
  } catch {
    return undefined;
  }
}

/** A file that is open for reading, of one sidecar's run. */
export class StatusReader {
  private constructor(
    private readonly path: string,
    private readonly descriptor: number,
    private readonly identity: { readonly device: number; readonly inode: number },
  ) {}

  /**
   * @param trust whose pages are believed
   * @returns why there is nothing to read
   * @throws nothing
   */
  static open(prefix: string, trust: Trust = trustOf()): StatusReader | string {
    const path = statusPath(prefix);
    try {
      const stranger = strangersFile(path, trust);
      if (stranger !== undefined) return stranger;
      const descriptor = openExisting(path, "read");
      const facts = statFile(descriptor, path);
      if (facts.kind === "file" && facts.bytes === STATUS_BYTES) return new StatusReader(path, descriptor, facts);
      closeFile(descriptor);
      return `${path} is not a status page of this version`;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (error.code === "ENOENT") return `no sidecar runs here: ${path} does not exist`;
      return `${path} cannot be read (${error.code}); run this as the sidecar's user or as root`;
    }
  }

  /** The process that holds the file now; undefined if its sidecar lives no more. */
  get holder(): number | undefined {
    return lockHolder(this.identity);
  }

  get alive(): boolean {
    return this.holder !== undefined;
  }

  /** Whether the name stands for another file by now, or none: the sidecar ended or began anew. */
  get replaced(): boolean {
    const now = statPath(this.path);
    return now === undefined || now.inode !== this.identity.inode || now.device !== this.identity.device;
  }

  /** @returns undefined if it is another version's page, or its sidecar has not begun, or it is always being written */
  read(): SidecarPicture | undefined {
    const page = new Uint8Array(STATUS_BYTES);
    const after = new Uint8Array(STATUS_BYTES);
    for (let look = 0; look < TRIES_MAX; look++) {
      if (readAt(this.descriptor, this.path, page, 0) < STATUS_BYTES) return undefined;
      if (readAt(this.descriptor, this.path, after, 0) < STATUS_BYTES) return undefined;
      const quiet = statusVersion(page) === statusVersion(after) && boardVersion(page) === boardVersion(after);
      if (!quiet || (statusVersion(page) & 1) !== 0) continue;
      const snapshot = readStatus(page.buffer, 0);
      const text = readBoard(page);
      const board = text === undefined ? undefined : parseBoard(text);
      return snapshot === null || board === undefined ? undefined : { snapshot, board };
    }
    return undefined;
  }

  close(): void {
    closeFile(this.descriptor);
  }
}
