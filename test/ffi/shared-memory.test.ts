import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import * as shm from "../../ffi/shared-memory.ts";
import { freshPath, removeFiles } from "../tools/shared-files.ts";

afterAll(removeFiles);

const MIB = 1_048_576;
const PAGE = shm.PAGE_BYTES;
const newMemory = (bytes: number): WebAssembly.Memory =>
  new WebAssembly.Memory({ initial: bytes / 65_536, maximum: bytes / 65_536, shared: true });

const opened: number[] = [];
afterAll(() => {
  for (const fd of opened) fs.closeSync(fd);
});

function newFile(bytes: number): { path: string; fd: number } {
  const path = freshPath();
  const fd = shm.createExclusive(path, 0o600);
  opened.push(fd);
  if (bytes > 0) shm.reserveFile(fd, path, bytes);
  return { path, fd };
}

const codeOf = (call: () => unknown): string => {
  try {
    call();
    return "none";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("opening", () => {
  test("never creates", () => {
    const path = freshPath();
    expect(codeOf(() => shm.openExisting(path, "read-write"))).toBe("ENOENT");
    expect(fs.existsSync(path)).toBe(false);
    expect(shm.statPath(path)).toBeUndefined();
  });

  test("creates only what is not there, with the very mode that was asked for", () => {
    const path = freshPath();
    const umask = process.umask(0o077);
    try {
      opened.push(shm.createExclusive(path, 0o664));
    } finally {
      process.umask(umask);
    }
    expect(shm.statPath(path)).toMatchObject({ kind: "file", mode: 0o664, bytes: 0, uid: process.getuid?.() });
    expect(codeOf(() => shm.createExclusive(path, 0o600))).toBe("EEXIST");
    expect(shm.statPath(path)?.mode).toBe(0o664);
  });

  test("follows no link, and blocks on no FIFO", () => {
    const { path: target } = newFile(0);
    const link = freshPath();
    fs.symlinkSync(target, link);
    expect(shm.statPath(link)?.kind).toBe("link");
    expect(codeOf(() => shm.openExisting(link, "read"))).toBe("ELOOP");
    expect(codeOf(() => shm.createExclusive(link, 0o600))).toBe("EEXIST");
    const fifo = freshPath();
    expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
    expect(shm.statPath(fifo)?.kind).toBe("other");
    opened.push(shm.openExisting(fifo, "read")); // O_NONBLOCK: returns at once though nobody writes
  });

  test("does not leak descriptors into programs that are started", () => {
    const { fd } = newFile(0);
    const flags = /^flags:\s*(\d+)/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"));
    const O_CLOEXEC = 0o2000000;
    expect(Number.parseInt(flags?.[1] ?? "0", 8) & O_CLOEXEC).toBe(O_CLOEXEC);
  });

  test("removes a name once", () => {
    const { path } = newFile(0);
    expect(shm.unlinkPath(path)).toBe(true);
    expect(shm.unlinkPath(path)).toBe(false);
    const folder = freshPath();
    fs.mkdirSync(folder);
    expect(["EISDIR", "EPERM"]).toContain(codeOf(() => shm.unlinkPath(folder)));
  });
});

describe("reserving", () => {
  test("takes the memory at once", () => {
    const { path } = newFile(MIB);
    const stats = fs.statSync(path);
    expect(stats.size).toBe(MIB);
    expect(stats.blocks * 512).toBeGreaterThanOrEqual(MIB);
  });

  test("fails instead of promising what is not there, and leaves the size as it was", () => {
    const { path, fd } = newFile(PAGE);
    const { bytes } = shm.fileSystemRoom("/dev/shm");
    expect(bytes).toBeGreaterThan(0);
    expect(codeOf(() => shm.reserveFile(fd, path, bytes * 2))).toBe("ENOSPC");
    expect(fs.statSync(path).size).toBe(PAGE);
  });

  test("reads what is there and no more", () => {
    const { path, fd } = newFile(PAGE);
    fs.writeSync(fd, Buffer.from("end"), 0, 3, PAGE - 3);
    const into = new Uint8Array(8);
    expect(shm.readAt(fd, path, into, PAGE - 3)).toBe(3);
    expect(Buffer.from(into.subarray(0, 3)).toString()).toBe("end");
    expect(shm.readAt(fd, path, into, PAGE)).toBe(0);
  });
});

describe("locks", () => {
  test("one holder, whose process is named, until its descriptor closes", () => {
    const { path, fd } = newFile(PAGE);
    const facts = shm.statFile(fd, path);
    expect(shm.lockHolder(facts)).toBeUndefined();
    expect(shm.tryLock(fd, path)).toBe(true);
    expect(shm.lockHolder(facts)).toBe(process.pid);
    const second = shm.openExisting(path, "read-write");
    expect(shm.tryLock(second, path)).toBe(false);
    shm.closeFile(second);
    expect(shm.lockHolder(facts)).toBe(process.pid);
    const other = newFile(PAGE);
    expect(shm.lockHolder(shm.statFile(other.fd, other.path))).toBeUndefined();
  });
});

describe("mapping a file over an arena", () => {
  test("both see each other's writes, and unmapping leaves zeros here and the bytes there", () => {
    const { path, fd } = newFile(2 * PAGE);
    const memory = newMemory(MIB);
    const bytes = new Uint8Array(memory.buffer);
    bytes.fill(9);
    const mapping = shm.mapFile(memory, 65_536, 2 * PAGE, fd, path, "read-write", PAGE);
    expect(bytes[65_536]).toBe(0);
    bytes[65_536 + PAGE + 5] = 77;
    expect(fs.readFileSync(path)[PAGE + 5]).toBe(77);
    fs.writeSync(fd, Uint8Array.of(88), 0, 1, 3);
    expect(bytes[65_536 + 3]).toBe(88);
    mapping.unmap();
    mapping.unmap();
    expect(bytes.slice(65_536, 65_536 + 2 * PAGE).some((byte) => byte !== 0)).toBe(false);
    expect([bytes[65_535], bytes[65_536 + 2 * PAGE]]).toEqual([9, 9]); // the neighbours
    bytes[65_536 + 3] = 1;
    expect(fs.readFileSync(path)[3]).toBe(88);
  });

  test("refuses what is no whole page or outside, and touches nothing", () => {
    const { path, fd } = newFile(2 * PAGE);
    const memory = newMemory(MIB);
    const map = (at: number, bytes: number) => () => shm.mapFile(memory, at, bytes, fd, path, "read-write", PAGE);
    expect(map(100, PAGE)).toThrow(RangeError);
    expect(map(0, 100)).toThrow(RangeError);
    expect(map(-65_536, PAGE)).toThrow(RangeError);
    expect(map(MIB, PAGE)).toThrow(RangeError);
    expect(map(MIB - PAGE, 2 * PAGE)).toThrow(RangeError);
  });

  test("a mapping that fails leaves plain memory, no hole", () => {
    const { path } = newFile(PAGE);
    const readOnly = shm.openExisting(path, "read");
    opened.push(readOnly);
    const memory = newMemory(MIB);
    const bytes = new Uint8Array(memory.buffer);
    expect(codeOf(() => shm.mapFile(memory, 65_536, PAGE, readOnly, path, "read-write", PAGE))).toBe("EACCES");
    bytes[65_536] = 5;
    expect(bytes[65_536]).toBe(5);
    expect(fs.readFileSync(path)[0]).toBe(0);
    const mapping = shm.mapFile(memory, 65_536, PAGE, readOnly, path, "read", PAGE);
    expect(bytes[65_536]).toBe(0);
    mapping.unmap();
  });

  test("keeps a forgotten arena alive: its pages never come back as another arena's", async () => {
    const { path, fd } = newFile(PAGE);
    const isMapped = (): boolean => fs.readFileSync("/proc/self/maps", "utf8").includes(path);
    const map = (): shm.FileMapping => shm.mapFile(newMemory(MIB), 65_536, PAGE, fd, path, "read-write", PAGE);
    map();
    const kept = map();
    for (let round = 0; round < 30; round++) {
      Bun.gc(true);
      new Uint8Array(newMemory(MIB).buffer).fill(255);
      await Bun.sleep(1);
      expect(isMapped()).toBe(true);
    }
    expect(fs.readFileSync(path).some((byte) => byte !== 0)).toBe(false);
    kept.unmap();
    expect(fs.readFileSync("/proc/self/maps", "utf8").split(path)).toHaveLength(2); // the forgotten one
  });

  test("fills a sparse file's holes when asked to", () => {
    const { path, fd } = newFile(0);
    fs.ftruncateSync(fd, 16 * PAGE);
    expect(fs.statSync(path).blocks).toBe(0);
    const memory = newMemory(MIB);
    const mapping = shm.mapFile(memory, 0, 16 * PAGE, fd, path, "read-write", PAGE);
    shm.populateFile(mapping, path);
    expect(fs.statSync(path).blocks * 512).toBe(16 * PAGE);
    mapping.unmap();
  });

  test("can be had for one moment", () => {
    const { path, fd } = newFile(PAGE);
    const length = shm.withMappedFile(fd, path, PAGE, PAGE, (bytes) => {
      new Uint8Array(bytes)[7] = 42;
      return bytes.byteLength;
    });
    expect(length).toBe(PAGE);
    expect(fs.readFileSync(path)[7]).toBe(42);
    expect(codeOf(() => shm.withMappedFile(-1, path, PAGE, PAGE, () => 0))).toBe("EBADF");
  });
});

describe("faulting in", () => {
  /** Pages of a range that are present, from the kernel's own page map. */
  function presentPages(address: number, bytes: number): number {
    const fd = fs.openSync("/proc/self/pagemap", "r");
    const entries = new BigUint64Array(bytes / PAGE);
    fs.readSync(fd, entries, 0, entries.byteLength, (address / PAGE) * 8);
    fs.closeSync(fd);
    return entries.reduce((count, entry) => count + (entry >> 63n === 1n ? 1 : 0), 0);
  }

  test("makes every page of the range present, and changes no byte", () => {
    const memory = newMemory(16 * MIB);
    const bytes = new Uint8Array(memory.buffer);
    bytes[5 * MIB] = 3;
    expect(["populated", "touched"]).toContain(shm.faultIn(memory, 4 * MIB + 10, 8 * MIB));
    expect(presentPages(shm.addressOf(memory) + 4 * MIB, 8 * MIB)).toBe((8 * MIB) / PAGE);
    expect(bytes[5 * MIB]).toBe(3);
    expect(bytes[6 * MIB]).toBe(0);
  });
});
