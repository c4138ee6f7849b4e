// Real ed25519 keys and signatures for the traffic of `qos simulate --sign`. Keys come from the run's seed, so that the same
// seed makes the same bytes. About 25 us a signature and 60 us a check: a few thousand packets a second.

import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";

/** DER in front of a raw 32-byte ed25519 private key (RFC 8410) and public key. */
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const SIGNATURE_BYTES = 64;

interface Keys {
  readonly secret: KeyObject;
  readonly publicKey: Uint8Array;
  readonly verifying: KeyObject;
}

export class Signer {
  readonly #keys = new Map<number, Keys>();
  /** Kept signatures. ed25519 is deterministic, so they change only the time that a run takes. */
  readonly #signatures = new Map<number, Uint8Array>();

  constructor(private readonly seed: bigint) {}

  publicKey(payer: number): Uint8Array {
    return this.#of(payer).publicKey;
  }

  /** @returns 64 bytes */
  sign(transaction: number, payer: number, message: Uint8Array): Uint8Array {
    const known = this.#signatures.get(transaction);
    if (known !== undefined) return known;
    const signature = new Uint8Array(sign(null, message, this.#of(payer).secret));
    this.#signatures.set(transaction, signature);
    return signature;
  }

  /**
   * Checks a signature against the key that stands in the transaction.
   * @param payer the payer whose key it should be; any other key is read from its bytes
   */
  verify(payer: number, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    if (signature.length !== SIGNATURE_BYTES) return false;
    const known = this.#of(payer);
    const own = Buffer.compare(known.publicKey, publicKey) === 0;
    const key = own ? known.verifying : publicKeyOf(publicKey);
    // Copies, because the engine's memory is shared, and node:crypto takes no view of a SharedArrayBuffer.
    return verify(null, Uint8Array.from(message), key, Uint8Array.from(signature));
  }

  #of(payer: number): Keys {
    const known = this.#keys.get(payer);
    if (known !== undefined) return known;
    const raw = createHash("sha256").update(`qos simulate ${this.seed} ${payer}`).digest();
    const secret = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, raw]), format: "der", type: "pkcs8" });
    const verifying = createPublicKey(secret);
    const der = verifying.export({ format: "der", type: "spki" });
    const keys = { secret, verifying, publicKey: new Uint8Array(der.subarray(PUBLIC_PREFIX.length)) };
    this.#keys.set(payer, keys);
    return keys;
  }
}

/** A public key from its 32 bytes. @throws Error of node:crypto if they are not a key */
export function publicKeyOf(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, raw]), format: "der", type: "spki" });
}
