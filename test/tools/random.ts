// The dice of the tests: one seed, one case. (The simulator has its own, whose histories must not change.)

const TWO_32 = 4_294_967_296;

export class Random {
  #state = 1;

  constructor(seed = 0) {
    this.seed(seed);
  }

  /** @param seed any whole number below 2^53 */
  seed(seed: number): void {
    const mixed =
      Math.imul(((seed % TWO_32) | 0) + 1, 0x9e3779b1) ^ Math.imul(Math.floor(seed / TWO_32) + 7, 0x85ebca6b);
    this.#state = mixed === 0 ? 1 : mixed;
    for (let i = 0; i < 6; i++) this.word();
  }

  /** 0 to 2^32 - 1. */
  word(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** 0 to 1, 1 excluded. */
  unit(): number {
    return this.word() / TWO_32;
  }

  /** 0 to limit - 1. */
  below(limit: number): number {
    return this.word() % limit;
  }

  /** Both ends included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(of: number): boolean {
    return this.word() < of * TWO_32;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)];
  }

  /** A u32 or u64 as people and attackers choose them: small, round, near a power of two, or anything. */
  integer(bits: 32 | 64): bigint {
    const top = (1n << BigInt(bits)) - 1n;
    const any = (BigInt(this.word()) << 32n) | BigInt(this.word());
    switch (this.below(6)) {
      case 0:
        return BigInt(this.below(10));
      case 1:
        return BigInt(this.below(2_000_000)) & top;
      case 2:
        return (10n ** BigInt(this.below(bits === 32 ? 10 : 20))) & top;
      case 3:
        return ((1n << BigInt(this.below(bits + 1))) + BigInt(this.below(3)) - 1n) & top;
      case 4:
        return top - BigInt(this.below(3));
      default:
        return any & top;
    }
  }
}

/** Words of such dice. @returns a function that gives 0 to 2^32 - 1 */
export function randomOf(seed: number): () => number {
  const random = new Random(seed);
  return () => random.word();
}
