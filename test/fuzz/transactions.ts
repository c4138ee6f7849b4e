// Makes transactions for the parser's differential test: well-formed ones of every version, the same with wrong counts and
// lengths put in where they are written, byte-wise damage of both and of real ones, and plain noise. A fifth may be
// as long as the longest payload of all layouts (4096 bytes), the others as a legacy or v0 transaction (1232).

import { base58 } from "@scure/base";
import { PROGRAMS } from "../../src/kernel/context.ts";
import { PAYLOAD_MAX_BYTES } from "../../src/shape/packet-layouts.ts";
import { OLD_TRANSACTION_MAX_BYTES } from "../../src/shape/transaction-limits.ts";
import type { Random } from "../tools/random.ts";

const KNOWN = PROGRAMS.map(({ id }) => base58.decode(id));
const BUDGET = KNOWN[0];
/** A built-in of former times and two that never were: 200,000 compute units each. */
const OTHERS = ["Stake11111111111111111111111111111111111111", "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"].map(
  (id) => base58.decode(id),
);

/** How often a written count or length is wrong, in a case that is chosen to have wrong ones. */
const DISTORTED = 0.08;

class Writer {
  readonly bytes = new Uint8Array(1 << 20);
  length = 0;
  distorted = 0;

  constructor(readonly random: Random) {}

  u8(value: number): void {
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.u8(value & 0xff);
    this.u8((value >> 8) & 0xff);
  }

  integer(value: bigint, bytes: number): void {
    for (let i = 0; i < bytes; i++) this.u8(Number((value >> BigInt(8 * i)) & 0xffn));
  }

  copy(from: Uint8Array): void {
    this.bytes.set(from, this.length);
    this.length += from.length;
  }

  noise(count: number): void {
    for (let i = 0; i < count; i++) this.u8(this.random.below(256));
  }

  /** A single-byte count, perhaps a wrong one. */
  count(value: number): void {
    this.u8(this.random.chance(this.distorted) ? this.#wrong(value) & 0xff : value);
  }

  /** A compact-u16, perhaps a wrong one or in a form that is not allowed. */
  compact(value: number): void {
    const { random } = this;
    if (!random.chance(this.distorted)) {
      this.#compactBytes(value);
      return;
    }
    switch (random.below(5)) {
      case 0: // longer than it must be
        this.u8((value & 0x7f) | 0x80);
        this.u8(value >> 7);
        break;
      case 1: // three bytes
        this.u8((value & 0x7f) | 0x80);
        this.u8(((value >> 7) & 0x7f) | 0x80);
        this.u8(random.below(4));
        break;
      case 2:
        this.u8(random.below(256));
        break;
      default:
        this.#compactBytes(this.#wrong(value));
    }
  }

  #compactBytes(value: number): void {
    if (value < 0x80) this.u8(value);
    else {
      this.u8((value & 0x7f) | 0x80);
      this.u8((value >> 7) & 0x7f);
    }
  }

  #wrong(value: number): number {
    const { random } = this;
    switch (random.below(4)) {
      case 0:
        return value + 1;
      case 1:
        return Math.max(0, value - 1);
      case 2:
        return random.below(300);
      default:
        return random.pick([0, 127, 128, 255, 256, 257, 16_383]);
    }
  }
}

/** A count that is mostly small, sometimes at an edge. */
function sized(random: Random, usual: number, edges: readonly number[]): number {
  return random.chance(0.06) ? random.pick(edges) : random.below(usual + 1);
}

export class TransactionMaker {
  readonly #writer: Writer;
  /** Bytes that the case may have. */
  #most = OLD_TRANSACTION_MAX_BYTES;

  constructor(
    readonly random: Random,
    readonly real: readonly Uint8Array[],
  ) {
    this.#writer = new Writer(random);
  }

  /** The next case: valid until the next call. */
  next(): Uint8Array {
    const { random } = this;
    const writer = this.#writer;
    writer.length = 0;
    writer.distorted = 0;
    this.#most = random.chance(0.2) ? PAYLOAD_MAX_BYTES : OLD_TRANSACTION_MAX_BYTES;
    const way = random.below(20);
    if (way === 0) {
      writer.noise(random.below(this.#most + 1));
      if (random.chance(0.5)) writer.bytes[0] = random.pick([0, 1, 2, 12, 13, 0x80, 0x81, 0x82]);
    } else if (way < 4) {
      writer.copy(random.pick(this.real));
      this.#damage();
    } else {
      if (way < 13) writer.distorted = DISTORTED;
      const version = random.below(5);
      if (version === 0 || (this.#isLarge && random.chance(0.6))) this.#version1();
      else this.#legacyOrV0(version < 3);
      if (way >= 18) this.#damage();
    }
    return writer.bytes.subarray(0, Math.min(writer.length, this.#most));
  }

  get #isLarge(): boolean {
    return this.#most > OLD_TRANSACTION_MAX_BYTES;
  }

  /** Changes, inserts, removes, cuts or appends some bytes. */
  #damage(): void {
    const { random } = this;
    const writer = this.#writer;
    for (let times = random.between(1, 3); times > 0; times--) {
      const length = Math.min(writer.length, this.#most);
      const at = random.chance(0.3) ? random.below(Math.min(length, 8) + 1) : random.below(length + 1);
      switch (random.below(6)) {
        case 0:
          writer.length = at;
          break;
        case 1:
          writer.bytes.copyWithin(at + 1, at, length);
          writer.bytes[at] = random.below(256);
          writer.length = length + 1;
          break;
        case 2:
          writer.bytes.copyWithin(at, at + 1, length);
          writer.length = Math.max(0, length - 1);
          break;
        case 3:
          writer.u8(random.below(256));
          break;
        default:
          if (length > 0)
            writer.bytes[Math.min(at, length - 1)] = random.chance(0.5) ? random.below(256) : random.below(4);
      }
    }
  }

  /** Header, keys and blockhash. @returns how many keys, and where known programs stand among them */
  #keys(signatures: number, most: number): { keys: number; programs: number[] } {
    const { random } = this;
    const keys = Math.min(
      most,
      Math.max(1, signatures + sized(random, 6, this.#isLarge ? [0, 30, 61, 62, 63, 64] : [0, 10, 30, 37])),
    );
    const programs: number[] = [];
    const at = this.#writer.length;
    this.#writer.noise(32 * keys);
    for (let i = signatures; i < keys; i++) {
      if (!random.chance(0.5)) continue;
      const program = random.chance(0.4) ? BUDGET : random.pick([...KNOWN, ...OTHERS]);
      this.#writer.bytes.set(program, at + 32 * i);
      programs.push(i);
    }
    if (keys > 1 && random.chance(0.06)) this.#repeatKey(at, keys);
    return { keys, programs };
  }

  /** One key becomes a copy of another, or nearly: all but one byte. */
  #repeatKey(at: number, keys: number): void {
    const { random } = this;
    const { bytes } = this.#writer;
    const [from, to] = [at + 32 * random.below(keys), at + 32 * random.below(keys)];
    bytes.copyWithin(to, from, from + 32);
    if (random.chance(0.4)) bytes[to + random.below(32)] ^= 1 << random.below(8);
  }

  #header(signatures: number): void {
    const { random } = this;
    const writer = this.#writer;
    writer.count(signatures);
    writer.count(random.chance(0.9) ? random.below(Math.max(1, signatures)) : signatures);
    writer.count(random.below(3));
  }

  #legacyOrV0(legacy: boolean): void {
    const { random } = this;
    const writer = this.#writer;
    const signatures = Math.max(random.chance(0.99) ? 1 : 0, sized(random, 3, [0, 11, 12, 13, 19]));
    writer.compact(signatures);
    writer.noise(64 * signatures);
    if (!legacy) writer.u8(random.chance(0.98) ? 0x80 : 0x80 + random.below(128));
    this.#header(signatures);
    const countAt = writer.length;
    writer.compact(0);
    const { keys, programs } = this.#keys(signatures, 38);
    // the count is known only now; with one byte it fits where it was left free
    if (writer.distorted === 0) writer.bytes[countAt] = keys;
    else if (!random.chance(writer.distorted)) writer.bytes[countAt] = keys;
    writer.noise(32);
    const lookups = legacy ? 0 : sized(random, 2, [0, 5, 20, 31]);
    const lookedUp = legacy
      ? []
      : Array.from({ length: lookups }, () => [sized(random, 4, [0, 120, 200]), sized(random, 4, [0, 64, 127, 128])]);
    const accounts = keys + lookedUp.flat().reduce((sum, count) => sum + count, 0);
    const instructions = sized(random, 5, [0, 8, 9, 60, 63, 64, 65, 66, 127, 128, 200]);
    writer.compact(instructions);
    for (let i = 0; i < instructions; i++) this.#instruction(keys, programs, accounts, instructions > 20);
    if (legacy) return;
    writer.count(lookups);
    for (const [writable, readonly] of lookedUp) {
      writer.noise(32);
      writer.compact(writable!);
      writer.noise(writable!);
      writer.compact(readonly!);
      writer.noise(readonly!);
    }
  }

  #program(keys: number, programs: readonly number[]): number {
    const { random } = this;
    if (programs.length > 0 && random.chance(0.75)) return random.pick(programs);
    return random.chance(0.97) ? 1 + random.below(Math.max(1, keys - 1)) : random.pick([0, keys, 255]);
  }

  #accountIndexes(count: number, accounts: number): void {
    const { random } = this;
    const wrong = random.chance(0.01);
    for (let i = 0; i < count; i++) this.#writer.u8(wrong ? random.below(256) : random.below(Math.min(256, accounts)));
  }

  #instruction(keys: number, programs: readonly number[], accounts: number, small: boolean): void {
    const { random } = this;
    const writer = this.#writer;
    writer.u8(this.#program(keys, programs));
    const accountCount = small ? random.below(2) : sized(random, 4, [0, 127, 128, 254, 255, 256, 300]);
    writer.compact(accountCount);
    this.#accountIndexes(accountCount, accounts);
    const data = small && random.chance(0.7) ? new Uint8Array(0) : this.#data();
    writer.compact(data.length);
    writer.copy(data);
  }

  #dataBytes(): number {
    const { random } = this;
    if (this.#isLarge && random.chance(0.3)) return random.below(random.pick([1_000, 2_000, 3_900]));
    return sized(random, 12, [0, 127, 128, 200]);
  }

  /** Data: mostly what a compute-budget or a precompile instruction could have. */
  #data(): Uint8Array {
    const { random } = this;
    if (random.chance(0.2)) return Uint8Array.from({ length: this.#dataBytes() }, () => random.below(256));
    const kind = random.chance(0.9) ? random.between(1, 4) : random.below(256);
    const wide = kind === 3;
    const value =
      kind === 1 && random.chance(0.7) ? BigInt(1024 * random.between(30, 258)) : random.integer(wide ? 64 : 32);
    const usual = wide ? 9 : 5;
    const length = random.chance(0.85) ? usual : random.below(12);
    return Uint8Array.from({ length }, (_, i) => (i === 0 ? kind : Number((value >> BigInt(8 * (i - 1))) & 0xffn)));
  }

  #version1(): void {
    const { random } = this;
    const writer = this.#writer;
    const signatures = Math.max(random.chance(0.98) ? 1 : 0, sized(random, 2, [0, 11, 12, 13]));
    writer.u8(0x81);
    this.#header(signatures);
    let mask = random.below(32);
    if (random.chance(0.9)) mask = (mask & 0b11100) | (random.chance(0.5) ? 3 : 0);
    if (random.chance(0.02)) mask |= 1 << random.between(5, 30);
    writer.integer(BigInt(mask), 4);
    writer.noise(32);
    const instructions = sized(random, 4, [0, 63, 64, 65, 128]);
    writer.count(instructions);
    const countAt = writer.length;
    writer.u8(0);
    const { keys, programs } = this.#keys(signatures, this.#isLarge ? 70 : 36);
    writer.bytes[countAt] = random.chance(writer.distorted) ? keys + 1 : keys;
    for (let bit = 0; bit < 5; bit++) {
      if ((mask & (1 << bit)) === 0) continue;
      if (bit === 4 && random.chance(0.8)) writer.integer(BigInt(1024 * random.between(31, 257)), 4);
      else writer.integer(random.chance(0.2) ? 0n : random.integer(32), 4);
    }
    const parts = Array.from({ length: instructions }, () => ({
      accounts: instructions > 20 ? random.below(2) : sized(random, 4, [0, 127, 255]),
      data: instructions > 20 && random.chance(0.8) ? new Uint8Array(0) : this.#data(),
    }));
    for (const { accounts, data } of parts) {
      writer.u8(this.#program(keys, programs));
      writer.count(accounts);
      writer.u16(random.chance(writer.distorted) ? random.below(2_000) : data.length);
    }
    for (const { accounts, data } of parts) {
      this.#accountIndexes(accounts, keys);
      writer.copy(data);
    }
    writer.noise(64 * signatures);
  }
}
