// Checks a recorded transaction's signatures against its signers' keys, as sigverify does. About 80 us a signature.

import { type KeyObject, verify } from "node:crypto";
import { PUBKEY_BYTES, SIGNATURE_BYTES } from "../shape/packet-layout.ts";
import { publicKeyOf } from "./signer.ts";

/** Keys kept, because senders sign again and again. A file with more keys takes longer, not more memory. */
const KEYS_MAX = 65_536;

/** Offsets that a check of signatures needs in a well-formed transaction. */
export interface Signed {
  readonly signatures: number;
  readonly signatureAt: number;
  /** Static key 0; the signers' keys are the first ones. */
  readonly keysAt: number;
}

export class RecordedSignatures {
  readonly #keys = new Map<string, KeyObject | undefined>();

  /** Whether all signatures are good. @param payload of a transaction that parses */
  areGood(payload: Uint8Array, { signatures, signatureAt, keysAt }: Signed): boolean {
    const behind = signatureAt + signatures * SIGNATURE_BYTES;
    // Legacy and v0 have the message behind the signatures, v1 in front of them.
    const message = signatureAt < keysAt ? payload.subarray(behind) : payload.subarray(0, signatureAt);
    for (let i = 0; i < signatures; i++) {
      const key = this.#keyOf(payload.subarray(keysAt + i * PUBKEY_BYTES, keysAt + (i + 1) * PUBKEY_BYTES));
      const from = signatureAt + i * SIGNATURE_BYTES;
      if (key === undefined || !verify(null, message, key, payload.subarray(from, from + SIGNATURE_BYTES)))
        return false;
    }
    return true;
  }

  /** @returns undefined for 32 bytes that are not a point of the curve */
  #keyOf(raw: Uint8Array): KeyObject | undefined {
    const name = Buffer.from(raw).toString("latin1");
    if (this.#keys.has(name)) return this.#keys.get(name);
    if (this.#keys.size >= KEYS_MAX) this.#keys.clear();
    const key = keyOrNone(raw);
    this.#keys.set(name, key);
    return key;
  }
}

function keyOrNone(raw: Uint8Array): KeyObject | undefined {
  try {
    return publicKeyOf(raw);
  } catch {
    return undefined;
  }
}
