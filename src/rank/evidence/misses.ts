// Transactions that came back without having been included. They wait here until it is known how others fared at their price
// in the same time (market.ts): blocks give back all at once what found no room, so the first to come back cannot be judged
// yet. The places are bounded: where all are taken, the owner judges at once.

const PLACES = 16_384;
const WORDS = 4;

export class Misses {
  count = 0;
  readonly prices = new Float64Array(PLACES);
  /** How likely it was to land. */
  readonly chances = new Float64Array(PLACES);
  /** Whether its address, and its payer, had no record; the class that its address was of then. */
  readonly wasUnknown = new Uint8Array(PLACES);
  readonly wasFreshPayer = new Uint8Array(PLACES);
  readonly unknownClass = new Uint8Array(PLACES);
  readonly #ids = new Int32Array(PLACES * WORDS);

  get isFull(): boolean {
    return this.count === PLACES;
  }

  /** @param ids word index of address id and payer id, one behind the other, in `words` */
  push(
    words: Int32Array,
    ids: number,
    price: number,
    chance: number,
    unknown: boolean,
    freshPayer: boolean,
    unknownClass: number,
  ): void {
    const i = this.count++;
    for (let word = 0; word < WORDS; word++) this.#ids[i * WORDS + word] = words[ids + word];
    this.prices[i] = price;
    this.chances[i] = chance;
    this.wasUnknown[i] = unknown ? 1 : 0;
    this.wasFreshPayer[i] = freshPayer ? 1 : 0;
    this.unknownClass[i] = unknownClass;
  }

  /** @param word 0 and 1: the address's id, 2 and 3: the payer's */
  id(i: number, word: number): number {
    return this.#ids[i * WORDS + word];
  }
}
