// One case from one seed.

import { Random } from "../tools/random.ts";
import { TransactionMaker } from "./transactions.ts";

const random = new Random();
const makers = new WeakMap<readonly Uint8Array[], TransactionMaker>();

/** @param real transactions to damage */
export function makeCase(seed: number, real: readonly Uint8Array[]): Uint8Array {
  let maker = makers.get(real);
  if (maker === undefined) {
    maker = new TransactionMaker(random, real);
    makers.set(real, maker);
  }
  random.seed(seed);
  return maker.next().slice();
}
