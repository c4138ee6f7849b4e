// Parts of the kernel by themselves, for the bench: parsing, parsing with the fee rule, and reading a payload. The same
// sources as the kernel's (src/kernel/kernel.as.ts), compiled the same way, over the same packets.

import { computeFee, fee } from "../../src/kernel/fee.as";
import { AGAVE_PAYLOAD_BYTES, FIELD_SIZE_AT } from "../../src/shape/packet-layout";
import { instructionCount, parseTransaction } from "../../src/kernel/transaction.as";

/** The exclusive or of all 64-bit words of the payloads of packets that lie one behind the other: 8 bytes, added to `out`. */
export function foldPayloads(first: usize, count: i32, strideBytes: i32, out: usize): void {
  let fold = i64x2.splat(0);
  let a = fold;
  let b = fold;
  let c = fold;
  // Four chains, as the other side's compiler makes them; 1232 bytes are 19 lines and a vector.
  for (let i: i32 = 0; i < count; i++) {
    const at = first + i * strideBytes;
    const end = at + AGAVE_PAYLOAD_BYTES - 16;
    for (let from = at; from < end; from += 64) {
      fold = v128.xor(fold, v128.load(from));
      a = v128.xor(a, v128.load(from, 16));
      b = v128.xor(b, v128.load(from, 32));
      c = v128.xor(c, v128.load(from, 48));
    }
    fold = v128.xor(fold, v128.load(end));
  }
  fold = v128.xor(v128.xor(fold, a), v128.xor(b, c));
  store<u64>(out, load<u64>(out) ^ i64x2.extract_lane(fold, 0) ^ i64x2.extract_lane(fold, 1));
}

/** Bytes of a packet's payload. */
@inline
function sizeOf(at: usize): i32 {
  return <i32>min<u64>(load<u64>(at, AGAVE_PAYLOAD_BYTES + FIELD_SIZE_AT), AGAVE_PAYLOAD_BYTES);
}

/** @returns the sum of instructions + 1 over the packets that are transactions */
export function parse(first: usize, count: i32, strideBytes: i32, context: usize): f64 {
  let sum: f64 = 0;
  for (let i: i32 = 0; i < count; i++) {
    const at = first + i * strideBytes;
    if (parseTransaction(at, sizeOf(at), context) == 0)
      sum += <f64>instructionCount + 1;
  }
  return sum;
}

/** Parses and computes fees. @returns the sum of the fees of the packets that are transactions */
export function parseAndFee(first: usize, count: i32, strideBytes: i32, context: usize): f64 {
  let sum: f64 = 0;
  for (let i: i32 = 0; i < count; i++) {
    const at = first + i * strideBytes;
    if (parseTransaction(at, sizeOf(at), context) == 0) {
      computeFee(context);
      sum += <f64>fee;
    }
  }
  return sum;
}
