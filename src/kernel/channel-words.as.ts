// The words of a channel that both sides see, each loaded and stored as one 64-bit word (wire.md, 3). They are read in the
// kernel, because JavaScript can do neither without a price.
//
// The engine compiles each `Atomics.load` (and a WebAssembly atomic load as well) to a locked exchange-and-add of 0. That is
// a *write* to the producer's cache line, which takes the line away from the producer at every look; and it waits until
// all earlier stores have left the core, which takes microseconds behind copies of packets. A processor that keeps loads in
// order and stores in order, as x86-64 does, makes a plain aligned 64-bit load an acquire load already, and a plain store a
// release store. Other processors get the atomic ones. No compiler moves the plain ones: a call into the kernel is opaque to
// JavaScript's compiler, and in the kernel the stores before them hold them in their place.

let plain: bool = false;

/** Says once, after loading, whether the processor orders plain loads among loads and plain stores among stores. */
export function setOrderedMemory(ordered: i32): void {
  plain = ordered != 0;
}

/** @returns the tail at `at`, exact below 2^53 (centuries) */
export function loadTail(at: usize): f64 {
  return <f64>(plain ? load<u64>(at) : atomic.load<u64>(at));
}

/** Publishes everything stored before. @param tail a whole number below 2^53 */
export function storeTail(at: usize, tail: f64): void {
  if (plain) store<u64>(at, <u64>tail);
  else atomic.store<u64>(at, <u64>tail);
}

/** Adds 1 to a heartbeat. One writer, and nothing to order: no locked instruction, on any processor. */
export function beat(at: usize): void {
  store<u64>(at, load<u64>(at) + 1);
}
