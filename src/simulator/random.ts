// The simulator's dice: one seed, one history, on every machine and in every version of Bun, which `Math.random` cannot
// promise. sfc32 (Chris Doty-Humphrey's small fast counter generator, in PractRand): 128 bits of state, about 3 ns a word.

const TWO_PI = 2 * Math.PI;
const TWO_32 = 4_294_967_296;
/** Words thrown away after seeding, so that close seeds give different words. */
const WARM_UP_WORDS = 15;
/** Above this mean a Poisson count is drawn from the normal curve: Knuth's product would need that many draws. */
const POISSON_BY_PRODUCT_BELOW = 32;

/** A bijection of u32 with good avalanche (the "lowbias32" constants of Chris Wellons' hash prospector). */
export function mix32(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  #spareNormal = Number.NaN;

  /**
   * @param seed any u64
   * @param stream draws with different stream names have nothing to do with each other
   */
  constructor(
    private readonly seed: bigint,
    private readonly stream: string,
  ) {
    let label = 0x811c9dc5;
    for (let i = 0; i < stream.length; i++) label = mix32(label ^ stream.charCodeAt(i));
    this.#a = Number(BigInt.asUintN(32, seed)) | 0;
    this.#b = Number(BigInt.asUintN(32, seed >> 32n)) | 0;
    this.#c = label | 0;
    for (let i = 0; i < WARM_UP_WORDS; i++) this.word();
  }

  /** Dice for one part alone: throwing them changes nothing elsewhere. */
  fork(stream: string): Random {
    return new Random(this.seed, `${this.stream}/${stream}`);
  }

  /** A u32. */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** A number in 0..1, 1 excluded. */
  unit(): number {
    return this.word() / TWO_32;
  }

  /** A whole number in 0..count - 1. */
  below(count: number): number {
    return Math.floor((this.word() / TWO_32) * count);
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  chance(probability: number): boolean {
    return probability > 0 && this.unit() < probability;
  }

  /** The normal distribution, mean 0, deviation 1 (Box and Muller; two for one throw). */
  normal(): number {
    const spare = this.#spareNormal;
    if (!Number.isNaN(spare)) {
      this.#spareNormal = Number.NaN;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.unit()));
    const angle = TWO_PI * this.unit();
    this.#spareNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Log-normal with the given mean (of the values, not of their logarithms). */
  logNormal(mean: number, sigma: number): number {
    return mean * Math.exp(sigma * this.normal() - (sigma * sigma) / 2);
  }

  poisson(mean: number): number {
    if (mean <= 0) return 0;
    if (mean >= POISSON_BY_PRODUCT_BELOW) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()));
    const end = Math.exp(-mean);
    let count = 0;
    for (let product = this.unit(); product > end; product *= this.unit()) count += 1;
    return count;
  }
}
