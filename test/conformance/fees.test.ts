// The chain's fee rule against a real Solana VM in this process (litesvm, the runtime's own code): signed transactions are
// executed, and what the payer's balance lost must be our fee, to the lamport. What the VM refuses before it charges has
// fee 0 with us.

import { describe, expect, test } from "bun:test";
import { base58 } from "@scure/base";
// The package's own layer below its kit types: it takes wire bytes, as we do.
import { Account, LiteSvm } from "litesvm/dist/internal";
import { V1_FIRST_BYTE } from "../../src/shape/transaction-limits.ts";
import { Subject } from "../fuzz/subject.ts";
import { Random } from "../tools/random.ts";
import { makeSigned, makeSigner } from "./svm-cases.ts";

const SEED = 7;
const CASES = 20_000;
const PACKET_BYTES = 1_232;
const RICH = 2n ** 64n - 1n;
const SYSTEM_PROGRAM = new Uint8Array(32);

/**
 * Errors while the accounts are loaded (the enumeration's numbers: program not found, not executable, too much data). The
 * chain charges these since SIMD-0082; this VM does not get that far. They are few, and only not refused with us.
 */
const LOADING_ERRORS = new Set(["3", "12", "29"]);

const svm = LiteSvm.default();
svm.setSysvars();
svm.setBuiltins();
svm.setPrecompiles();
svm.setDefaultPrograms();
svm.setSigverify(true);
svm.setBlockhashCheck(true);
svm.setTransactionHistory(0n);
const signers = [1, 2, 3, 4].map(makeSigner);
const payer = signers[0].key;
const subject = new Subject();

/** What the VM takes for a transaction, and what it says. */
function charge(transaction: Uint8Array): { charged: bigint; outcome: string } {
  svm.setAccount(payer, new Account(RICH, new Uint8Array(0), SYSTEM_PROGRAM, false, 0n));
  const result = svm.sendVersionedTransaction(transaction);
  const error = "err" in result ? (result as { err(): unknown }).err() : undefined;
  const outcome = error === undefined ? "included" : `${error}`;
  return { charged: RICH - (svm.getBalance(payer) ?? 0n), outcome };
}

describe("fees as a real VM charges them", () => {
  test(`${CASES} signed transactions`, () => {
    const random = new Random();
    const blockhash = base58.decode(svm.latestBlockhash());
    const wrong: string[] = [];
    let [done, charged, refused, notLoaded, chargedV1] = [0, 0, 0, 0, 0];
    for (let seed = SEED; done < CASES; seed++) {
      random.seed(seed);
      const transaction = makeSigned(random, signers, blockhash, seed);
      if (transaction.length > PACKET_BYTES) continue;
      done += 1;
      const vm = charge(transaction);
      const ours = subject.digest([transaction], "chain")[0];
      let right = ours.reason === 0;
      if (LOADING_ERRORS.has(vm.outcome)) {
        notLoaded += 1;
        right &&= ours.never === 0;
      } else {
        if (vm.charged > 0n && transaction[0] === V1_FIRST_BYTE) chargedV1 += 1;
        if (vm.charged > 0n) charged += 1;
        else refused += 1;
        right &&= ours.fee === vm.charged && (ours.never !== 0) === (vm.charged === 0n);
      }
      if (right) continue;
      wrong.push(`seed ${seed}: the VM ${vm.charged} (${vm.outcome}), we ${ours.fee} (${ours.reason}, ${ours.never})`);
    }
    expect(wrong.slice(0, 20)).toEqual([]);
    // each way must be there in numbers, or nothing was tested
    expect(charged).toBeGreaterThan(CASES / 2);
    expect(chargedV1).toBeGreaterThan(CASES / 20);
    expect(refused).toBeGreaterThan(CASES / 20);
    expect(notLoaded).toBeLessThan(CASES / 20);
  }, 240_000);
});
