// The spill file: batches that the database did not take in time, in order, checksummed, bounded. Written by the writer
// thread alone (a lock sees to that), replayed from its first unsent batch on, also by a later run.
//
// Layout: 64 bytes (the word QOSSPILL, u32 version, f64 offset of the first unsent batch), then batches (database/batch.ts).
// That offset may be behind the truth after a crash: a batch sent twice changes nothing, since its rows' keys are the same.

import fs from "node:fs";
import { BATCH_HEADER_BYTES, type Batch, batchBytes, decodeBatch, encodeBatch, encodedBytes } from "./batch.ts";

const MAGIC = "QOSSPILL";
const VERSION = 1;
const VERSION_AT = 8;
const UNSENT_AT = 16;
const HEADER_BYTES = 64;
/** Looked through at once, in search of a whole batch behind a damaged one. */
const WINDOW_BYTES = 1024 * 1024;
/** Owner only: it tells which sender sent which transactions. */
const MODE = 0o600;

/** Takes an advisory lock on a descriptor. @returns false where another process has it */
export type TryLock = (descriptor: number) => boolean;

export class Spill {
  /** Records in it. */
  records = 0;
  /** Bytes of batches that were found damaged at the opening, and left out. */
  damagedBytes = 0;
  /** Why the last append failed, other than for want of room; "" if it did not. */
  trouble = "";

  readonly #descriptor: number;
  #unsent = HEADER_BYTES;
  #end = HEADER_BYTES;

  private constructor(
    readonly path: string,
    descriptor: number,
    private readonly limitBytes: number,
  ) {
    this.#descriptor = descriptor;
  }

  /**
   * Opens or creates the file.
   * @param limitBytes how large it may become
   * @throws Error with a sentence if it cannot be opened, is another program's or another process has it
   */
  static open(path: string, limitBytes: number, tryLock: TryLock): Spill {
    const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants;
    let descriptor: number;
    try {
      descriptor = fs.openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, MODE);
    } catch (error) {
      throw new Error(`the spill file ${path} cannot be opened (${(error as NodeJS.ErrnoException).code})`);
    }
    try {
      if (!fs.fstatSync(descriptor).isFile()) throw new Error(`the spill file ${path} is not a regular file`);
      if (!tryLock(descriptor))
        throw new Error(`the spill file ${path} is in use by another sidecar; give it another one`);
      const spill = new Spill(path, descriptor, limitBytes);
      spill.#load();
      return spill;
    } catch (error) {
      fs.closeSync(descriptor);
      throw error;
    }
  }

  get empty(): boolean {
    return this.#unsent >= this.#end;
  }

  get bytes(): number {
    return this.#end - this.#unsent;
  }

  /** @returns false if it has no room, or the disk takes no more: the batch is not in it */
  append(batch: Batch): boolean {
    const wanted = batchBytes(batch);
    if (this.#end + wanted > this.limitBytes && this.#unsent - HEADER_BYTES >= wanted) this.#compact();
    if (this.#end + wanted > this.limitBytes) return false;
    try {
      const bytes = encodeBatch(batch);
      writeWhole(this.#descriptor, bytes, this.#end);
      this.#end += bytes.length;
      this.records += batch.count;
      this.trouble = "";
      return true;
    } catch (error) {
      this.trouble = `the spill file ${this.path} cannot be written (${(error as NodeJS.ErrnoException).code})`;
      this.#cut();
      return false;
    }
  }

  /** The first unsent batch. Damaged bytes before it are passed over and counted. */
  peek(): Batch | undefined {
    while (this.#unsent < this.#end) {
      const batch = this.#read(this.#unsent);
      if (batch !== undefined) return batch;
      this.#passOver();
    }
    this.#restart();
    return undefined;
  }

  /** The batch that `peek` gave is sent. */
  drop(batch: Batch): void {
    this.#unsent +=
      BATCH_HEADER_BYTES + Buffer.byteLength(batch.host) + Buffer.byteLength(batch.session) + batch.payload.length;
    this.records = Math.max(0, this.records - batch.count);
    if (this.#unsent >= this.#end) this.#restart();
    else this.#storeUnsent();
  }

  /** Forces it to the disk and closes it. An empty one is removed. */
  close(): void {
    try {
      if (this.empty) fs.unlinkSync(this.path);
      else fs.fsyncSync(this.#descriptor);
    } catch {
      // Gone already, or a disk that fails: there is nothing left to do about it.
    }
    fs.closeSync(this.#descriptor);
  }

  #load(): void {
    const size = fs.fstatSync(this.#descriptor).size;
    const header = Buffer.alloc(HEADER_BYTES);
    if (size === 0) {
      header.write(MAGIC, "latin1");
      header.writeUInt32LE(VERSION, VERSION_AT);
      header.writeDoubleLE(HEADER_BYTES, UNSENT_AT);
      writeWhole(this.#descriptor, header, 0);
      return;
    }
    fs.readSync(this.#descriptor, header, 0, HEADER_BYTES, 0);
    if (header.toString("latin1", 0, MAGIC.length) !== MAGIC || header.readUInt32LE(VERSION_AT) !== VERSION) {
      throw new Error(`the file ${this.path} is not a spill file of this version of qos; it is left as it is`);
    }
    const unsent = header.readDoubleLE(UNSENT_AT);
    this.#unsent = unsent >= HEADER_BYTES && unsent <= size ? unsent : HEADER_BYTES;
    this.#end = size;
    for (let at = this.#unsent; at < this.#end; ) {
      const batch = this.#read(at);
      if (batch === undefined) {
        at = this.#nextWhole(at + 1);
        continue;
      }
      this.records += batch.count;
      at += this.#lengthAt(at);
    }
  }

  #lengthAt(at: number): number {
    const header = Buffer.alloc(BATCH_HEADER_BYTES);
    const got = fs.readSync(this.#descriptor, header, 0, BATCH_HEADER_BYTES, at);
    return got < BATCH_HEADER_BYTES ? 0 : encodedBytes(header);
  }

  #read(at: number): Batch | undefined {
    const length = this.#lengthAt(at);
    if (length === 0 || at + length > this.#end) return undefined;
    const bytes = Buffer.alloc(length);
    fs.readSync(this.#descriptor, bytes, 0, length, at);
    return decodeBatch(bytes);
  }

  #passOver(): void {
    const next = this.#nextWhole(this.#unsent + 1);
    this.damagedBytes += next - this.#unsent;
    this.#unsent = next;
  }

  /** @returns where the next whole batch begins at or behind a place, or the end */
  #nextWhole(from: number): number {
    const mark = Buffer.from("QOSB", "latin1");
    const window = Buffer.alloc(WINDOW_BYTES);
    for (let at = from; at < this.#end; at += WINDOW_BYTES - mark.length) {
      const got = fs.readSync(this.#descriptor, window, 0, WINDOW_BYTES, at);
      if (got < mark.length) break;
      for (let i = window.indexOf(mark); i >= 0 && i < got; i = window.indexOf(mark, i + 1)) {
        if (this.#read(at + i) !== undefined) return at + i;
      }
    }
    return this.#end;
  }

  #storeUnsent(): void {
    const word = Buffer.alloc(8);
    word.writeDoubleLE(this.#unsent, 0);
    try {
      writeWhole(this.#descriptor, word, UNSENT_AT);
    } catch {
      // A later run sends these again, which changes nothing.
    }
  }

  /** Everything is sent: the file starts over. */
  #restart(): void {
    if (this.#end === HEADER_BYTES) return;
    this.#unsent = HEADER_BYTES;
    this.#end = HEADER_BYTES;
    this.records = 0;
    this.#storeUnsent();
    this.#cut();
  }

  /** Moves what is unsent to the front. Cut short by a crash, the offset still names whole batches: it is stored last. */
  #compact(): void {
    const chunk = Buffer.alloc(WINDOW_BYTES);
    const gap = this.#unsent - HEADER_BYTES;
    const length = this.#end - this.#unsent;
    if (gap < length) return; // the copy would overwrite what a crash still needs
    try {
      for (let done = 0; done < length; ) {
        const got = fs.readSync(this.#descriptor, chunk, 0, Math.min(chunk.length, length - done), this.#unsent + done);
        if (got === 0) return;
        writeWhole(this.#descriptor, chunk.subarray(0, got), HEADER_BYTES + done);
        done += got;
      }
    } catch {
      return; // the old place is whole
    }
    this.#unsent = HEADER_BYTES;
    this.#end = HEADER_BYTES + length;
    this.#storeUnsent();
    this.#cut();
  }

  #cut(): void {
    try {
      fs.ftruncateSync(this.#descriptor, this.#end);
    } catch {
      // The bytes behind the end stay; the next append overwrites them.
    }
  }
}

function writeWhole(descriptor: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; )
    done += fs.writeSync(descriptor, bytes, done, bytes.length - done, at + done);
}
