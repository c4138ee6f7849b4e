// Holds our kernel's reading of payloads against the oracles': verdict class, fields, both fees, and what the validator's
// runtime charges and refuses.

import { GROUP } from "../../src/shape/digest-layout.ts";
import { NEVER_ACCOUNT_LIMIT, NEVER_INSTRUCTION_LIMIT } from "../../src/shape/reason-codes.ts";
import { OLD_TRANSACTION_MAX_BYTES } from "../../src/shape/transaction-limits.ts";
import { verdictOf } from "../../src/wire/reasons.ts";
import { chainFee, referenceFee } from "./fee-rules.ts";
import { askRuntime, type RuntimeAnswer } from "./runtime-oracle.ts";
import { type Digest, Subject } from "./subject.ts";
import { askOracle, type OracleAnswer, type Verdict } from "./view-oracle.ts";

const V1_FIRST_BYTE = 0x81;
/** What we take as the reference does and never charge, and the runtime's parser refuses already. */
const NOT_TAKEN = new Set([NEVER_INSTRUCTION_LIMIT, NEVER_ACCOUNT_LIMIT]);

export interface Difference {
  readonly what: string;
  readonly ours: unknown;
  readonly theirs: unknown;
  readonly payload: string;
}

/** How the cases fell out: a test that sees only one class sees nothing. */
export interface Tally {
  cases: number;
  good: number;
  malformed: number;
  unsanitary: number;
  v1: number;
  v1Good: number;
  /** Above 1232 bytes. */
  large: number;
  largeGood: number;
  /** Good ones that the chain would refuse. */
  never: number;
  /** What the validator's runtime takes as we do, and what of it is refused before anything is charged. */
  runtime: number;
  runtimeNever: number;
  /** What 2.1 takes and 6.1 refuses. */
  refusedLater: number;
}

export const emptyTally = (): Tally => ({
  cases: 0,
  good: 0,
  malformed: 0,
  unsanitary: 0,
  v1: 0,
  v1Good: 0,
  large: 0,
  largeGood: 0,
  never: 0,
  runtime: 0,
  runtimeNever: 0,
  refusedLater: 0,
});

function classOf(reason: number): Verdict | string {
  if (reason === 0) return "good";
  const verdict = verdictOf(reason);
  return verdict === "malformed" || verdict === "unsanitary" ? verdict : `reason ${reason}`;
}

export class Comparison {
  readonly tally: Tally = emptyTally();
  readonly differences: Difference[] = [];
  readonly #subject = new Subject();

  /** Compares a batch. The payloads are copied. */
  run(payloads: readonly Uint8Array[]): void {
    const frames = new Uint8Array(payloads.reduce((sum, payload) => sum + 2 + payload.length, 0));
    let at = 0;
    for (const payload of payloads) {
      frames[at] = payload.length & 0xff;
      frames[at + 1] = payload.length >> 8;
      frames.set(payload, at + 2);
      at += 2 + payload.length;
    }
    const answers = askOracle(frames, payloads.length);
    const runtimes = askRuntime(frames, payloads.length);
    for (let first = 0; first < payloads.length; first += GROUP) {
      const group = payloads.slice(first, first + GROUP);
      const chain = this.#subject.digest(group, "chain");
      const reference = this.#subject.digest(group, "reference");
      for (const [i, payload] of group.entries()) {
        this.#compare(payload, answers[first + i], chain[i], reference[i]);
        this.#compareRuntime(payload, runtimes[first + i], chain[i]);
      }
    }
  }

  /** The validator's runtime: what it charges, and what it refuses before. */
  #compareRuntime(payload: Uint8Array, answer: RuntimeAnswer, chain: Digest): void {
    const expect = (what: string, ours: unknown, theirs: unknown): void => this.#expect(payload, what, ours, theirs);
    expect("the runtime takes it", chain.reason === 0 && !NOT_TAKEN.has(chain.never), answer.taken);
    if (!answer.taken || chain.reason !== 0) return;
    this.tally.runtime += 1;
    if (answer.never) this.tally.runtimeNever += 1;
    expect("the runtime never charges it", chain.never !== 0, answer.never);
    if (!answer.never) expect("the runtime's fee", chain.fee, answer.fee);
    if (!answer.limitsRefused) expect("the runtime's compute units", chain.computeUnits, answer.computeUnits);
  }

  #expect(payload: Uint8Array, what: string, ours: unknown, theirs: unknown): void {
    if (ours === theirs) return;
    this.differences.push({ what, ours, theirs, payload: Buffer.from(payload).toString("base64") });
  }

  #compare(payload: Uint8Array, answer: OracleAnswer, chain: Digest, reference: Digest): void {
    const { tally } = this;
    const expect = (what: string, ours: unknown, theirs: unknown): void => this.#expect(payload, what, ours, theirs);
    const isV1 = payload[0] === V1_FIRST_BYTE;
    // 2.1 knows no limit of a packet's bytes: of a longer one only 6.1 says that it is refused.
    const verdict = isV1 || payload.length > OLD_TRANSACTION_MAX_BYTES ? answer.current : answer.old;
    tally.cases += 1;
    tally[verdict] += 1;
    if (isV1) tally.v1 += 1;
    if (payload.length > OLD_TRANSACTION_MAX_BYTES) tally.large += 1;
    expect("verdict", classOf(chain.reason), verdict);
    expect("reason under the other fee rule", reference.reason, chain.reason);
    if (isV1) expect("2.1 takes no v1", answer.old, "malformed");
    else if (verdict !== "good") expect("6.1 takes what 2.1 refuses", answer.current === "good", false);
    if (verdict !== "good" || chain.reason !== 0 || answer.fields === undefined) return;
    const fields = answer.fields;
    expect("version", chain.version, fields.version);
    expect("signatures", chain.signatures, fields.signatures);
    expect("first signature's place", chain.signatureAt, fields.signatureAt);
    expect("payer's place", chain.payerAt, fields.keysAt);
    expect("payer", Buffer.compare(chain.payer, payload.subarray(fields.keysAt, fields.keysAt + 32)), 0);
    const due = chainFee(fields, payload);
    expect("chain fee", chain.fee, due.fee);
    expect("never included", chain.never !== 0, due.never);
    if (!due.never) expect("compute units", chain.computeUnits, due.computeUnits);
    if (due.never) tally.never += 1;
    if (isV1) {
      tally.v1Good += 1;
      if (payload.length > OLD_TRANSACTION_MAX_BYTES) tally.largeGood += 1;
      return;
    }
    const old = referenceFee(fields, payload);
    expect("reference fee", reference.fee, old.fee);
    expect("reference compute units", reference.computeUnits, old.computeUnits);
    // What the later version reads differently must be what the chain rule knows as never included.
    if (answer.current === "good") expect("both versions' fields agree", answer.agree, true);
    else {
      tally.refusedLater += 1;
      expect("refused by 6.1 alone, and not known to be", due.never, true);
    }
  }
}
