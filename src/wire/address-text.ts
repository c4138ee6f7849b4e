// Senders' addresses as people write them.

/**
 * An address's key as people write it: `1.2.3.4`, `2001:db8:1:2::/64`.
 * @param key 8 bytes, as in a digest (IP_KEY_AT)
 */
export function formatAddress(key: Uint8Array, isIpv6: boolean): string {
  if (!isIpv6) return key.subarray(0, 4).join(".");
  const words = [0, 2, 4, 6].map((at) => key[at] * 256 + key[at + 1]);
  while (words.at(-1) === 0) words.pop();
  return `${words.map((word) => word.toString(16)).join(":")}::/64`;
}
