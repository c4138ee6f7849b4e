// Channels as files: creating, joining, proving (spec: wire.md, 2). With its neighbours place.ts, refusal.ts and
// snapshot.ts these are the files of src/channel that know an operating system; the cursors see arena memory alone.
//
// A join proves the file's kind, size, magic and capacity through the descriptor before anything is mapped, and changes
// nothing where one of them is wrong. What happens in ordinary life (absent, not initialised yet, refused) is a value;
// only a wrong use of this module throws.
//
// A file that is cut short under a mapping is a SIGBUS at the next touch of the lost pages, which no code can catch. The
// size is proved at each join, so joining again once `sameFile` is false is safe; a process that dies of it comes back
// through its service.

import { giganticRefusal } from "../../ffi/huge-pages.ts";
import { SystemError } from "../../ffi/libc.ts";
import {
  changeOwner,
  closeFile,
  createExclusive,
  type FileFacts,
  type FileIdentity,
  lockHolder,
  mapFile,
  openExisting,
  populateFile,
  readAt,
  reserveFile,
  statFile,
  statPath,
  tryLock,
  unlinkPath,
  withMappedFile,
} from "../../ffi/shared-memory.ts";
import type { Arena } from "../shape/arena.ts";
import {
  CAPACITY_AT,
  CONSUMER_HEARTBEAT_AT,
  HEAD_AT,
  HEADER_BYTES,
  MAGIC,
  MAGIC_AT,
  PRODUCER_HEARTBEAT_AT,
  TAIL_AT,
} from "../shape/channel-header.ts";
import type { ChannelRegion } from "../shape/layout.ts";
import { strangersChannel, type Trust, trustOf } from "./owners.ts";
import { type ChannelShape, channelFileBytes, pageBytesOf, pagesOf, roomProblem } from "./place.ts";
import {
  type Refused,
  refuse,
  refuseCapacity,
  refuseFailure,
  refuseFolder,
  refuseKind,
  refuseLocked,
  refuseMagic,
  refuseSize,
} from "./refusal.ts";

/** A channel's file laid over a region of an arena. */
export interface ChannelFile {
  readonly path: string;
  /** Arena offset of the header. */
  readonly at: number;
  /** Bytes mapped: the whole file. */
  readonly bytes: number;
  readonly identity: FileIdentity;
  /** Whether this join made or initialised the channel. */
  readonly created: boolean;
  /** Lays plain zeroed memory over the region again, lets go of the file and of its lock. */
  close(): void;
}

export type NotJoined = { readonly state: "absent" } | { readonly state: "uninitialised" } | Refused;
export type JoinResult = NotJoined | { readonly state: "joined"; readonly channel: ChannelFile };

export interface ProducerOptions {
  /** Permission bits of a file that is created; 0600 where absent. */
  readonly mode?: number;
  /** Owner and group of a file that is created, e.g. the user that privileges are dropped to. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Whose files are believed: root's and this process's where absent. */
  readonly trust?: Trust;
  /** Takes the file's lock before anything else and keeps it until `close`: one such producer a channel. */
  readonly lock?: boolean;
}

/** Joins as a consumer: an initialised channel of this shape, or nothing happens. The cursor is the caller's. */
export function joinConsumer(arena: Arena, region: ChannelRegion, path: string, trust: Trust = trustOf()): JoinResult {
  return asValue(path, () =>
    withExisting<JoinResult>(path, "read-write", (fd) => {
      const proof = believed(fd, path, trust) ?? prove(fd, path, region);
      return proof === "initialised" ? keep(lay(arena, region, path, fd, false)) : proof;
    }),
  );
}

/**
 * Joins as the producer: an initialised channel gets 1 added to its producer heartbeat and goes on from its tail; one that
 * is absent is created, one that is empty is initialised. Anything else is refused.
 */
export function joinProducer(
  arena: Arena,
  region: ChannelRegion,
  path: string,
  options: ProducerOptions = {},
): JoinResult {
  const join = (fd: number, fresh: boolean): Held<JoinResult> | JoinResult => {
    const stranger = fresh ? undefined : believed(fd, path, options.trust ?? trustOf());
    if (stranger !== undefined) return stranger;
    if (options.lock === true && !tryLock(fd, path)) return refuseLocked(path, lockHolder(statFile(fd, path)));
    const proof = prove(fd, path, region);
    if (proof === "initialised") {
      const channel = lay(arena, region, path, fd, false);
      Atomics.add(arena.u64, (region.at + PRODUCER_HEARTBEAT_AT) / 8, 1n);
      return keep(channel);
    }
    if (proof.state === "refused") return proof;
    if (fresh && options.owner !== undefined) changeOwner(fd, path, options.owner.uid, options.owner.gid);
    initialise(fd, path, region);
    return keep(lay(arena, region, path, fd, true));
  };
  return asValue(path, () => existingOrNew<JoinResult>(path, region, options.mode, join));
}

export interface CreateOptions {
  /** Permission bits of a file that is created; 0600 where absent. */
  readonly mode?: number;
  /** Group that a created file is given. */
  readonly gid?: number;
}

export type CreateResult = { readonly state: "created" | "completed" | "present"; readonly facts: FileFacts } | Refused;

/**
 * Creates a channel for others to join. An initialised one of the same shape stays as it is (`present`); one that was
 * opened but never initialised is `completed` in place, so that a process that waits for it goes on.
 */
export function createChannel(path: string, shape: ChannelShape, options: CreateOptions = {}): CreateResult {
  const result = asValue<CreateResult | NotJoined>(path, () =>
    existingOrNew<CreateResult>(path, shape, options.mode, (fd, fresh) => {
      const proof = prove(fd, path, shape);
      if (proof === "initialised") return { state: "present", facts: statFile(fd, path) };
      if (proof.state === "refused") return proof;
      if (fresh && options.gid !== undefined) changeOwner(fd, path, -1, options.gid);
      initialise(fd, path, shape);
      return { state: fresh ? "created" : "completed", facts: statFile(fd, path) };
    }),
  );
  if (result.state === "absent" || result.state === "uninitialised") {
    return refuse("system", `${path} is removed again and again while it is created`);
  }
  return result;
}

/**
 * Opens a channel to look at it through the descriptor: proved like a join, without the right to write.
 * @returns a descriptor, which the caller closes, or why there is none
 */
export function openToRead(path: string, shape: ChannelShape): number | NotJoined {
  return asValue<number | NotJoined>(path, () =>
    withExisting<number | NotJoined>(path, "read", (fd) => {
      const proof = prove(fd, path, shape);
      return proof === "initialised" ? new Held<number>(fd) : proof;
    }),
  );
}

/** What a path names now; undefined if nothing is, or nothing that we may see. */
export function identityOf(path: string): FileFacts | undefined {
  try {
    return statPath(path);
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}

/** Whether a path still names the file that was joined, in its full size: false after a removal, a re-creation, a cut. */
export function sameFile(channel: Pick<ChannelFile, "path" | "identity" | "bytes">): boolean {
  const now = identityOf(channel.path);
  const { device, inode } = channel.identity;
  return now !== undefined && now.device === device && now.inode === inode && now.bytes === channel.bytes;
}

/** A result that keeps the descriptor open. */
class Held<Result> {
  constructor(readonly result: Result) {}
}

const keep = (channel: ChannelFile): Held<JoinResult> => new Held({ state: "joined", channel });

/** Runs `use` and closes the descriptor after it, unless the result is held. */
function withFile<Result>(fd: number, use: (fd: number) => Held<Result> | Result): Result {
  let held = false;
  try {
    const result = use(fd);
    if (!(result instanceof Held)) return result;
    held = true;
    return result.result;
  } finally {
    if (!held) closeFile(fd);
  }
}

/** Opens what stands at a path, if it is a regular file. A device's opening has effects of its own, so: looked at first. */
function withExisting<Result>(
  path: string,
  access: "read" | "read-write",
  use: (fd: number) => Held<Result> | Result,
): Result | NotJoined {
  const there = statPath(path);
  if (there === undefined) {
    const gigantic = giganticRefusal(path.slice(path.lastIndexOf("/") + 1));
    return gigantic === undefined ? { state: "absent" } : refuse("pages", gigantic);
  }
  if (there.kind !== "file") return refuseKind(path, there.kind);
  return withFile(openExisting(path, access), use);
}

const RACES_MAX = 8;

/** Opens what stands at a path, or creates it; a creation that fails later takes the file away again. */
function existingOrNew<Result>(
  path: string,
  shape: ChannelShape,
  mode: number | undefined,
  use: (fd: number, fresh: boolean) => Held<Result> | Result,
): Result | NotJoined {
  for (let race = 0; race < RACES_MAX; race++) {
    const result = withExisting<Result | NotJoined>(path, "read-write", (fd) => use(fd, false));
    if (!isAbsent(result)) return result;
    const problem = roomProblem(pagesOf(path), channelFileBytes(shape, pagesOf(path)));
    if (problem !== undefined) return refuse("pages", `${path} cannot be created: ${problem}`);
    try {
      return withFile(createExclusive(path, mode ?? 0o600), (fd) => {
        try {
          return use(fd, true);
        } catch (error) {
          unlinkPath(path);
          throw error;
        }
      });
    } catch (error) {
      if (!(error instanceof SystemError) || error.syscall !== "open") throw error;
      if (error.code === "EACCES" || error.code === "EROFS") return refuseFolder(path, error);
      if (error.code !== "EEXIST") throw error; // else somebody was quicker: join theirs
    }
  }
  return { state: "absent" };
}

const isAbsent = (result: unknown): boolean => (result as { state?: string }).state === "absent";

/** Whether a file is somebody's whom we do not believe. */
function believed(fd: number, path: string, trust: Trust): Refused | undefined {
  const why = strangersChannel(path, statFile(fd, path), trust);
  return why === undefined ? undefined : refuse("owner", why);
}

/** Looks at an open file: kind, magic, capacity, size. */
function prove(
  fd: number,
  path: string,
  shape: ChannelShape,
): "initialised" | { readonly state: "uninitialised" } | Refused {
  const found = statFile(fd, path);
  if (found.kind !== "file") return refuseKind(path, found.kind);
  if (found.bytes === 0) return { state: "uninitialised" };
  const wanted = channelFileBytes(shape, pagesOf(path));
  if (found.bytes < HEADER_BYTES) return refuseSize(path, found.bytes, wanted, shape);
  const magic = readU64(fd, path, MAGIC_AT); // before the rest: whatever was written before the magic is seen with it
  if (magic !== MAGIC && magic !== 0n) return refuseMagic(path, magic);
  const capacity = readU64(fd, path, CAPACITY_AT);
  if (magic === MAGIC && capacity !== BigInt(shape.capacity)) return refuseCapacity(path, capacity, found.bytes, shape);
  if (found.bytes !== wanted) return refuseSize(path, found.bytes, wanted, shape);
  return magic === MAGIC ? "initialised" : { state: "uninitialised" };
}

/** Lays a proved file over its region. */
function lay(arena: Arena, region: ChannelRegion, path: string, fd: number, created: boolean): ChannelFile {
  const bytes = channelFileBytes(region, pagesOf(path));
  if (bytes > region.bytes) throw new RangeError(`${path} needs ${bytes} bytes, and its region has ${region.bytes}`);
  const { device, inode, allocatedBytes } = statFile(fd, path);
  const mapping = mapFile(arena.memory, region.at, bytes, fd, path, "read-write", pageBytesOf(pagesOf(path)));
  try {
    // Holes are filled now, or refused: a first touch without memory behind it would be a SIGBUS. A file without holes is
    // left to be faulted in as it is used, which takes 4-5 ms of a start for 40 MiB.
    if (allocatedBytes < bytes) populateFile(mapping, path);
  } catch (error) {
    mapping.unmap();
    throw error;
  }
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    mapping.unmap();
    closeFile(fd);
  };
  return { path, at: region.at, bytes, identity: { device, inode }, created, close };
}

/** Gives an empty file its memory and its header: counters and capacity, and the magic last. */
function initialise(fd: number, path: string, shape: ChannelShape): void {
  const pages = pagesOf(path);
  reserveFile(fd, path, channelFileBytes(shape, pages));
  const page = pageBytesOf(pages);
  // through a mapping: hugetlbfs has no write()
  withMappedFile(fd, path, page, page, (bytes) => {
    const words = new BigUint64Array(bytes, 0, HEADER_BYTES / 8);
    for (const at of [TAIL_AT, HEAD_AT, PRODUCER_HEARTBEAT_AT, CONSUMER_HEARTBEAT_AT]) Atomics.store(words, at / 8, 0n);
    Atomics.store(words, CAPACITY_AT / 8, BigInt(shape.capacity));
    Atomics.store(words, MAGIC_AT / 8, MAGIC);
  });
}

const word = new DataView(new ArrayBuffer(8));
const wordBytes = new Uint8Array(word.buffer);

function readU64(fd: number, path: string, at: number): bigint {
  const read = readAt(fd, path, wordBytes, at);
  if (read !== wordBytes.length) throw new SystemError("read", path, "EIO", "the file was cut short meanwhile");
  return word.getBigUint64(0, true);
}

/** Turns a failed system call into a value. */
function asValue<Result>(path: string, use: () => Result): Result | NotJoined {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    if (error.code === "ENOENT") return { state: "absent" }; // removed between two of our calls
    return refuseFailure(path, error);
  }
}
