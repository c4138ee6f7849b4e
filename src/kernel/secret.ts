// The 192-byte secret of the packet hash: XXH3's default secret, re-keyed with the xxhash seed (wire.md, 8).

/** XXH3's published default secret ("kSecret"). */
const DEFAULT_SECRET = Uint8Array.fromHex(
  [
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f",
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c",
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8",
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364",
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e",
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e",
  ].join(""),
);
export const SECRET_BYTES = 192;

/**
 * The secret for a seed.
 * @param seed u64
 * @returns 192 bytes
 */
export function packetHashSecret(seed: bigint): Uint8Array {
  const secret = new Uint8Array(SECRET_BYTES);
  secret.set(DEFAULT_SECRET);
  const words = new DataView(secret.buffer);
  for (let at = 0; at < SECRET_BYTES; at += 16) {
    words.setBigUint64(at, BigInt.asUintN(64, words.getBigUint64(at, true) + seed), true);
    words.setBigUint64(at + 8, BigInt.asUintN(64, words.getBigUint64(at + 8, true) - seed), true);
  }
  return secret;
}
