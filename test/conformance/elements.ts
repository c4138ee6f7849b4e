// Elements whose every word tells the stream index that they were written for, so that a torn or misplaced one shows. The
// Rust peer writes and checks the same (test/rust/que-peer/src/element.rs): u64 index, then u32 words, word k (counted from
// the element's start) being `index * INDEX_FACTOR + k * WORD_FACTOR` modulo 2^32.

const INDEX_FACTOR = 0x9e3779b1 | 0;
const WORD_FACTOR = 0x85ebca6b | 0;
const TWO_32 = 4_294_967_296;
/** Words that hold the index. */
const INDEX_WORDS = 2;

/** Writes element `index` at byte offset `at`, a multiple of 4. */
export function writeElement(i32: Int32Array, at: number, elementBytes: number, index: number): void {
  const first = at >>> 2;
  i32[first] = index | 0;
  i32[first + 1] = Math.floor(index / TWO_32);
  let word = (Math.imul(index | 0, INDEX_FACTOR) + Math.imul(INDEX_WORDS, WORD_FACTOR)) | 0;
  for (let k = INDEX_WORDS; k < elementBytes >>> 2; k++) {
    i32[first + k] = word;
    word = (word + WORD_FACTOR) | 0;
  }
}

/** The index that the element at byte offset `at` names; -1 if not all of its words belong to that index. */
export function readElement(i32: Int32Array, at: number, elementBytes: number): number {
  const first = at >>> 2;
  const low = i32[first];
  let word = (Math.imul(low, INDEX_FACTOR) + Math.imul(INDEX_WORDS, WORD_FACTOR)) | 0;
  let different = 0;
  for (let k = INDEX_WORDS; k < elementBytes >>> 2; k++) {
    different |= i32[first + k] ^ word;
    word = (word + WORD_FACTOR) | 0;
  }
  return different === 0 ? i32[first + 1] * TWO_32 + (low >>> 0) : -1;
}
