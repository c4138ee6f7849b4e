// A deliberate error: where it is put, and which tests must see it.

export interface Mutant {
  /** Short and stable: `M06`. */
  readonly id: string;
  /** The error in a few words. */
  readonly error: string;
  readonly file: string;
  /** Text of the file that stands there exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Test files or folders below test/ of which at least one must fail. */
  readonly tests: readonly string[];
  /** Takes long or needs cargo: no part of the sample that continuous integration draws. */
  readonly slow?: boolean;
}

/**
 * The file's text with the error in it.
 * @throws Error where the place is not found exactly once: the table has become stale
 */
export function mutate(text: string, { id, file, find, replace }: Mutant): string {
  const places = text.split(find).length - 1;
  if (places !== 1) throw new Error(`${id}: its text stands ${places} times in ${file}, and once is wanted`);
  return text.replace(find, () => replace);
}

/** Some of them, drawn by a seed, in the table's order. */
export function sample<Item>(items: readonly Item[], count: number, seed: string): Item[] {
  const ranked = items.map((item, place) => ({ item, place, rank: Bun.hash.xxHash32(`${seed}/${place}`) }));
  const drawn = ranked.sort((a, b) => a.rank - b.rank).slice(0, count);
  return drawn.sort((a, b) => a.place - b.place).map(({ item }) => item);
}
