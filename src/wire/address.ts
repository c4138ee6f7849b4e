// Addresses read as people write them: an IPv4 sender by its 4 octets, an IPv6 sender by its /64, the first 8 octets
// (engine.md, 12). Writing them is elsewhere (wire/address-text.ts): node:net takes 8 ms to load.

import { isIPv4, isIPv6 } from "node:net";

/**
 * The sender that an address stands for.
 * @returns 4 octets, 8 (the /64 of an IPv6 address), or undefined if the text is not an address; `::ffff:a.b.c.d` is a.b.c.d
 */
export function parseAddress(text: string): Uint8Array | undefined {
  const octets = addressOctets(text);
  if (octets === undefined || octets.length === 4) return octets;
  const mapped = octets.subarray(0, 10).every((octet) => octet === 0) && octets[10] === 255 && octets[11] === 255;
  return mapped ? octets.slice(12) : octets.slice(0, 8);
}

/** @returns all octets of an address, 4 or 16 in network order; undefined if the text is not an address */
export function addressOctets(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split("."), Number);
  // A zone (`fe80::1%eth0`) names an interface of one host, not a sender.
  return isIPv6(text) && !text.includes("%") ? ipv6Octets(text) : undefined;
}

/** The 16 octets of a valid IPv6 address. */
function ipv6Octets(text: string): Uint8Array {
  const dotted = text.match(/^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/);
  const hex = (high: string, low: string): string => (Number(high) * 256 + Number(low)).toString(16);
  const plain = dotted === null ? text : `${dotted[1]}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}`;
  const [left, right] = plain.split("::");
  const groups = (part: string | undefined): string[] => (part === undefined || part === "" ? [] : part.split(":"));
  const head = groups(left);
  const tail = groups(right);
  const words = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return Uint8Array.from(words.flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 255]));
}
