import { describe, expect, test } from "bun:test";
import { NONCE_WAIT_MS } from "../../../src/rank/evidence/constants.ts";
import { NONCE_FREE, NONCE_USED, NONCE_WAITS, Nonces } from "../../../src/rank/evidence/nonces.ts";
import { DIGEST_BYTES, HASH_AT, NONCE_TAG_AT, PAYER_ID_AT } from "../../../src/shape/digest-layout.ts";

interface Sent {
  readonly nonce: number;
  readonly payer?: number;
  readonly hash?: number;
}

/** Nonces, asked by digests that are written on the way. */
class Rig {
  readonly #i32 = new Int32Array(DIGEST_BYTES / 4);
  readonly nonces = new Nonces(this.#i32);
  nowMs = 0;

  #digest({ nonce, payer = 1, hash = 1 }: Sent): number {
    this.#i32[NONCE_TAG_AT / 4] = nonce;
    this.#i32[PAYER_ID_AT / 4] = payer;
    this.#i32[HASH_AT / 4] = hash;
    this.#i32[HASH_AT / 4 + 1] = ~hash;
    return 0;
  }

  of(sent: Sent, answers = true): number {
    return this.nonces.of(this.#digest(sent), this.nowMs, answers);
  }

  sent(sent: Sent): void {
    this.nonces.sent(this.#digest(sent), this.nowMs);
  }

  failed(sent: Sent): void {
    this.nonces.failed(this.#digest(sent));
  }

  /** A partial meta knows no nonce. */
  outcome(sent: Sent, landed: boolean): void {
    this.nonces.outcome(this.#digest({ ...sent, nonce: 0 }), landed);
  }
}

describe("siblings on a durable nonce", () => {
  test("wait for the one that was sent, and are dropped once it landed; another value is another nonce", () => {
    const rig = new Rig();
    expect(rig.of({ nonce: 7 })).toBe(NONCE_FREE);
    rig.sent({ nonce: 7, hash: 10 });
    expect([rig.of({ nonce: 7, hash: 11 }), rig.of({ nonce: 8 }), rig.of({ nonce: 0 })]).toEqual([
      NONCE_WAITS,
      NONCE_FREE,
      NONCE_FREE,
    ]);
    expect(rig.of({ nonce: 7, payer: 2, hash: 12 })).toBe(NONCE_WAITS);
    rig.outcome({ nonce: 7, hash: 10 }, true);
    rig.nowMs = 1e9;
    expect([rig.of({ nonce: 7, hash: 11 }), rig.of({ nonce: 7, payer: 2 })]).toEqual([NONCE_USED, NONCE_USED]);
  });

  test("go on, one at a time, if it was not included; another payer's no longer wait for them", () => {
    const rig = new Rig();
    for (let hash = 10; hash < 20; hash++) {
      expect(rig.of({ nonce: 7, hash })).toBe(NONCE_FREE);
      rig.sent({ nonce: 7, hash });
      expect(rig.of({ nonce: 7, hash: hash + 1 })).toBe(NONCE_WAITS);
      expect(rig.of({ nonce: 7, payer: 2 })).toBe(hash === 10 ? NONCE_WAITS : NONCE_FREE);
      rig.outcome({ nonce: 7, hash }, false);
    }
  });

  test("do not wait at all once a signature failed on their nonce, whoever the forger says it is", () => {
    const rig = new Rig();
    rig.sent({ nonce: 7, hash: 10 });
    rig.failed({ nonce: 7, hash: 10 });
    for (let hash = 11; hash < 15; hash++) {
      expect(rig.of({ nonce: 7, hash })).toBe(NONCE_FREE);
      rig.sent({ nonce: 7, hash });
    }
    rig.outcome({ nonce: 7, hash: 13 }, true);
    expect(rig.of({ nonce: 7 })).toBe(NONCE_USED);
    rig.failed({ nonce: 99 }); // nobody knows it
    expect(rig.of({ nonce: 99 })).toBe(NONCE_FREE);
  });

  test("do not wait longer than an answer may take, nor while none come", () => {
    const rig = new Rig();
    rig.sent({ nonce: 7, hash: 10 });
    expect(rig.of({ nonce: 7 }, false)).toBe(NONCE_FREE);
    rig.nowMs = NONCE_WAIT_MS - 1;
    expect(rig.of({ nonce: 7 })).toBe(NONCE_WAITS);
    rig.nowMs = NONCE_WAIT_MS;
    expect(rig.of({ nonce: 7 })).toBe(NONCE_FREE);
  });

  test("learn of an earlier one's landing, too; an old answer does not free the one that was sent last", () => {
    const rig = new Rig();
    rig.sent({ nonce: 7, hash: 10 });
    rig.outcome({ nonce: 7, hash: 10 }, false);
    rig.sent({ nonce: 7, payer: 2, hash: 11 });
    rig.sent({ nonce: 7, hash: 12 });
    rig.outcome({ nonce: 7, hash: 11 }, false);
    expect(rig.of({ nonce: 7 })).toBe(NONCE_WAITS);
    rig.sent({ nonce: 7, payer: 2, hash: 13 });
    rig.outcome({ nonce: 7, hash: 12 }, true);
    expect(rig.of({ nonce: 7, payer: 2 })).toBe(NONCE_USED);
  });

  test("are forgotten for others in the order in which they were sent, and nothing grows", () => {
    const rig = new Rig();
    for (let n = 0; n < 100_000; n++) {
      rig.nowMs = n;
      rig.sent({ nonce: 1 + 1_024 * n, hash: n });
    }
    const waiting = Array.from({ length: 20 }, (_, i) => rig.of({ nonce: 1 + 1_024 * (99_999 - i) }));
    expect(waiting).toEqual(waiting.map((_, i) => (i < 8 ? NONCE_WAITS : NONCE_FREE)));
    // An answer for one whose place went to another changes nothing.
    rig.outcome({ nonce: 1, hash: 99_990 }, true);
    expect(waiting).toEqual(Array.from({ length: 20 }, (_, i) => rig.of({ nonce: 1 + 1_024 * (99_999 - i) })));
  });
});
