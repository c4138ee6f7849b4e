// Files as memory: opening, reserving and locking them, and laying them over pages of an arena.
//
// `shm_open("x")` is `open("/dev/shm/x")` with O_NOFOLLOW, O_CLOEXEC and O_NONBLOCK, so it is done that way: one path for
// /dev/shm and hugetlbfs, and no dependence on librt, where glibc before 2.34 kept shm_open. Opening an existing file and
// creating a new one are two calls on purpose: O_CREAT on somebody else's file in a sticky folder is refused even to root
// (fs.protected_regular), and a join must never create.

import { FFIType, ptr, toArrayBuffer } from "bun:ffi";
import fs from "node:fs";
import { errno, openLibc, SystemError, system } from "./libc.ts";

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_HUGETLB = 0x40000;
const MADV_HUGEPAGE = 14;
const MADV_POPULATE_READ = 22;
const MADV_POPULATE_WRITE = 23;
const MADV_COLLAPSE = 25;
const LOCK_EX_NB = 2 | 4;
const EINTR = 4;
const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const SAFE_OPEN = O_NOFOLLOW | O_NONBLOCK; // Bun adds O_CLOEXEC

const { i32, i64_fast: i64, u64_fast: u64 } = FFIType;
const libc = openLibc({
  mmap: { args: [u64, u64, i32, i32, i32, i64], returns: i64 },
  munmap: { args: [u64, u64], returns: i32 },
  madvise: { args: [u64, u64, i32], returns: i32 },
  posix_fallocate: { args: [i32, i64, i64], returns: i32 },
  flock: { args: [i32, i32], returns: i32 },
  getpagesize: { args: [], returns: i32 },
});

/** Tells two files of one name apart: a file that was removed and created again has another inode. */
export interface FileIdentity {
  readonly device: number;
  readonly inode: number;
}

export interface FileFacts extends FileIdentity {
  readonly bytes: number;
  /** Bytes that have memory behind them; fewer than the size if the file has holes. */
  readonly allocatedBytes: number;
  /** Permission bits, e.g. 0o600. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly kind: "file" | "folder" | "link" | "other";
}

export const PAGE_BYTES: number = libc.getpagesize();

function facts(stats: fs.Stats): FileFacts {
  const kind = stats.isFile() ? "file" : stats.isDirectory() ? "folder" : stats.isSymbolicLink() ? "link" : "other";
  const { dev: device, ino: inode, size: bytes, uid, gid } = stats;
  return { device, inode, bytes, allocatedBytes: stats.blocks * 512, mode: stats.mode & 0o7777, uid, gid, kind };
}

/** The facts of the file at a path, links not followed; undefined if there is no file. */
export function statPath(path: string): FileFacts | undefined {
  const stats = system(path, () => fs.lstatSync(path, { throwIfNoEntry: false }));
  return stats === undefined ? undefined : facts(stats);
}

/** What an open file is. */
export function statFile(fd: number, path: string): FileFacts {
  return system(path, () => facts(fs.fstatSync(fd)));
}

/**
 * Opens an existing file. Never creates, follows no link, does not block on a FIFO.
 * @throws SystemError, `ENOENT` and `EACCES` among them
 */
export function openExisting(path: string, access: "read" | "read-write"): number {
  return system(path, () => fs.openSync(path, (access === "read" ? O_RDONLY : O_RDWR) | SAFE_OPEN));
}

/**
 * Creates a file that must not exist yet, open for reading and writing.
 * @throws SystemError, `EEXIST` if something is there
 */
export function createExclusive(path: string, mode: number): number {
  const fd = system(path, () => fs.openSync(path, O_RDWR | O_CREAT | O_EXCL | SAFE_OPEN, mode));
  try {
    system(path, () => fs.fchmodSync(fd, mode)); // the umask does not apply to what the operator asked for
    return fd;
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

export function closeFile(fd: number): void {
  fs.closeSync(fd);
}

/** Removes a name; true if it existed. The memory is freed with the last mapping. */
export function unlinkPath(path: string): boolean {
  try {
    fs.unlinkSync(path);
    return true;
  } catch (error) {
    const failure = SystemError.from(error, path);
    if (failure.code === "ENOENT") return false;
    throw failure;
  }
}

/** @param uid or `gid`: -1 leaves it as it is */
export function changeOwner(fd: number, path: string, uid: number, gid: number): void {
  system(path, () => fs.fchownSync(fd, uid, gid));
}

/** Reads without a mapping, so that a file cut short meanwhile is a short read and no SIGBUS. @returns bytes read */
export function readAt(fd: number, path: string, into: Uint8Array, position: number): number {
  return system(path, () => fs.readSync(fd, into, 0, into.length, position));
}

/**
 * Sets a file's size and takes the memory for it now: `ftruncate` alone succeeds on a full file system, and the first
 * write to a page without memory is a SIGBUS.
 * @param now bytes of memory that this call takes; another call must take the rest before it is written to
 * @throws SystemError `ENOSPC` if there is too little memory; the file then has its former size
 */
export function reserveFile(fd: number, path: string, bytes: number, now = bytes): void {
  const before = statFile(fd, path).bytes;
  system(path, () => fs.ftruncateSync(fd, bytes));
  let failure = EINTR;
  while (failure === EINTR) failure = libc.posix_fallocate(fd, 0, now);
  if (failure === 0) return;
  system(path, () => fs.ftruncateSync(fd, before));
  throw SystemError.of("posix_fallocate", path, failure);
}

/** A file system's size, and the part of it that is still free for us. */
export function fileSystemRoom(folder: string): { readonly bytes: number; readonly free: number } {
  return system(folder, () => {
    const { blocks, bavail, bsize } = fs.statfsSync(folder);
    return { bytes: blocks * bsize, free: bavail * bsize };
  });
}

/**
 * Takes the whole-file lock, which ends with the descriptor (a killed process leaves none).
 * @returns false if somebody else holds it
 */
export function tryLock(fd: number, path: string): boolean {
  if (libc.flock(fd, LOCK_EX_NB) === 0) return true;
  const failure = SystemError.of("flock", path, errno());
  if (failure.code === "EAGAIN" || failure.code === "EWOULDBLOCK") return false;
  throw failure;
}

/** The process that holds a file's flock, or undefined if none does or it lies in another PID namespace. */
export function lockHolder(file: FileIdentity): number | undefined {
  // `1: FLOCK  ADVISORY  WRITE 4711 00:1b:22 0 EOF`: major and minor in hex, the inode in decimal
  for (const line of fs.readFileSync("/proc/locks", "utf8").split("\n")) {
    const [, kind, , , pid, where] = line.trim().split(/\s+/);
    if (kind !== "FLOCK" || where === undefined) continue;
    const [major, minor, inode] = where.split(":");
    const device = deviceNumber(Number.parseInt(major, 16), Number.parseInt(minor, 16));
    if (device === file.device && Number(inode) === file.inode && Number(pid) > 0) return Number(pid);
  }
  return undefined;
}

/** glibc's and musl's `makedev` for numbers of up to 32 bits, the kernel's own limit. */
function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** Address of a shared WebAssembly memory's first byte. It never moves: an arena never grows. */
export function addressOf(memory: WebAssembly.Memory): number {
  return Number(ptr(new Uint8Array(memory.buffer)));
}

/**
 * Memories with a file over some of their pages, and the number of such files. They are kept from the collector: a collected
 * memory's pages come back as another memory's, with the file still over them, and writes go into the file (this was seen).
 */
const pinned = new Map<WebAssembly.Memory, number>();

function pin(memory: WebAssembly.Memory, by: 1 | -1): void {
  const count = (pinned.get(memory) ?? 0) + by;
  if (count === 0) pinned.delete(memory);
  else pinned.set(memory, count);
}

/** A file over pages of an arena, whose memory is kept alive until `unmap`. */
export interface FileMapping {
  readonly memory: WebAssembly.Memory;
  readonly at: number;
  readonly bytes: number;
  unmap(): void;
}

/**
 * Lays a file over `bytes` of an arena from `at` on. The former content of that range is lost.
 * @param pageBytes the file's page size: arena address and length must be whole pages
 * @throws SystemError; the range is then plain zeroed memory again
 */
export function mapFile(
  memory: WebAssembly.Memory,
  at: number,
  bytes: number,
  fd: number,
  path: string,
  access: "read" | "read-write",
  pageBytes: number,
): FileMapping {
  const address = addressOf(memory) + at;
  if (at < 0 || at + bytes > memory.buffer.byteLength || address % pageBytes !== 0 || bytes % pageBytes !== 0) {
    throw new RangeError(
      `${path}: ${bytes} bytes at arena offset ${at} (address 0x${address.toString(16)}) are not whole pages of ${pageBytes}`,
    );
  }
  const protection = access === "read" ? PROT_READ : PROT_READ | PROT_WRITE;
  const huge = pageBytes > PAGE_BYTES ? MAP_HUGETLB : 0; // with this flag the kernel refuses a file of another kind
  if (libc.mmap(address, bytes, protection, MAP_SHARED | MAP_FIXED | huge, fd, 0) === -1) {
    const failure = SystemError.of("mmap", path, errno());
    layAnonymous(address, bytes); // a failed MAP_FIXED may already have taken away what was there
    throw failure;
  }
  pin(memory, 1);
  let mapped = true;
  return {
    memory,
    at,
    bytes,
    unmap() {
      if (!mapped) return;
      mapped = false;
      layAnonymous(address, bytes);
      pin(memory, -1);
    },
  };
}

/** Puts plain zeroed pages over a range, at once for all threads: the arena never has a hole. */
function layAnonymous(address: number, bytes: number): void {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
  if (libc.mmap(address, bytes, PROT_READ | PROT_WRITE, flags, -1, 0) === -1) {
    throw SystemError.of("mmap", `anonymous pages at 0x${address.toString(16)}`, errno());
  }
}

/**
 * Maps a file's first bytes somewhere, for one look or one write, and unmaps it again. The view must not leave `use`.
 * @param bytes whole pages of the file
 */
export function withMappedFile<Result>(
  fd: number,
  path: string,
  bytes: number,
  pageBytes: number,
  use: (bytes: ArrayBuffer) => Result,
): Result {
  const huge = pageBytes > PAGE_BYTES ? MAP_HUGETLB : 0;
  const address = libc.mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | huge, fd, 0);
  if (Number(address) === -1) throw SystemError.of("mmap", path, errno());
  try {
    return use(toArrayBuffer(Number(address) as Parameters<typeof toArrayBuffer>[0], 0, bytes));
  } finally {
    libc.munmap(Number(address), bytes);
  }
}

/**
 * Makes a mapped file's pages present, so that no first touch faults. A hole in a sparse file becomes memory now: on a
 * full file system that is an error here instead of a SIGBUS later.
 * @throws SystemError if memory is missing. Kernels before 5.14 cannot do it, and nothing happens there
 */
export function populateFile(mapping: FileMapping, path: string): void {
  if (libc.madvise(addressOf(mapping.memory) + mapping.at, mapping.bytes, MADV_POPULATE_READ) === 0) return;
  const failure = SystemError.of("madvise", path, errno());
  if (failure.code !== "EINVAL") throw failure;
}

/**
 * Faults in plain arena memory: 18-26 ms for 312 MiB in transparent huge pages, 150-800 ms page by page (a second if a virtual
 * machine's host gives the memory only now). Pages that were touched before become huge pages as well and keep their content,
 * so this need not come before the memory is used.
 * @returns how: by the kernel, or by touching each page (kernels before 5.14)
 * @throws SystemError if memory is missing
 */
export function faultIn(memory: WebAssembly.Memory, at: number, bytes: number): "populated" | "touched" {
  const base = addressOf(memory);
  const start = Math.floor((base + at) / PAGE_BYTES) * PAGE_BYTES;
  const end = Math.ceil((base + at + bytes) / PAGE_BYTES) * PAGE_BYTES;
  libc.madvise(start, end - start, MADV_HUGEPAGE); // a kernel without transparent huge pages is only slower
  libc.madvise(start, end - start, MADV_COLLAPSE); // fails for pages that were never touched, and before Linux 6.1
  if (libc.madvise(start, end - start, MADV_POPULATE_WRITE) === 0) return "populated";
  const failure = SystemError.of("madvise", `${end - start} bytes of the arena`, errno());
  if (failure.code !== "EINVAL") throw failure;
  const i32s = new Int32Array(memory.buffer);
  for (let byte = start - base; byte < end - base; byte += PAGE_BYTES) Atomics.or(i32s, byte >>> 2, 0);
  return "touched";
}
