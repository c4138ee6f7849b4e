// The bench's numbers: the same generator and the same mixes stand in test/rust/baselines/src/mix.rs, so that both sides
// work on the same bytes and their checksums can be compared.

const U64 = (1n << 64n) - 1n;
const GOLDEN = 0x9e3779b97f4a7c15n;

export class SplitMix64 {
  constructor(private state: bigint) {}

  next(): bigint {
    this.state = (this.state + GOLDEN) & U64;
    let z = this.state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & U64;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & U64;
    return z ^ (z >> 31n);
  }

  /** 0 to `end` - 1. */
  below(end: number): number {
    return Number(this.next() % BigInt(end));
  }

  bytes(count: number): Uint8Array {
    const out = new Uint8Array(count);
    const view = new DataView(out.buffer);
    for (let at = 0; at + 8 <= count; at += 8) view.setBigUint64(at, this.next(), true);
    return out;
  }
}

/** MurmurHash3's 32-bit finalizer. */
export function mix32(word: number): number {
  let h = word;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The score that a sender starts with: 0.25 to 1.25. @param word the first four bytes of its key */
export const firstScore = (word: number): number => 0.25 + mix32(word) / 4_294_967_296;

/** What is XORed into packet n's first signature. */
export const salt = (n: number): bigint => (BigInt(n + 1) * GOLDEN) & U64;

/** A checksum as the baselines print it. */
export const hex = (value: bigint): string => (value & U64).toString(16).padStart(16, "0");
