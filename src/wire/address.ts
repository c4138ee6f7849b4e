// Addresses read as people write them: an IPv4 sender by its 4 octets, an IPv6 sender by its /64, the first 8 octets
// (engine.md, 12). The library reads them; writing them is elsewhere (wire/address-text.ts).

import ipaddr from "ipaddr.js";

const { IPv4, IPv6 } = ipaddr;

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
  if (isDotted(text)) return Uint8Array.from(IPv4.parse(text).octets);
  // A zone (`fe80::1%eth0`) names an interface of one host, not a sender.
  if (text.includes("%") || !IPv6.isValid(text)) return undefined;
  const tail = text.slice(text.lastIndexOf(":") + 1);
  return tail.includes(".") && !isDotted(tail) ? undefined : Uint8Array.from(IPv6.parse(text).toByteArray());
}

/** Four decimal numbers: not the octal, hexadecimal and short forms that `inet_aton` takes, which mean different addresses. */
const isDotted = (text: string): boolean => IPv4.isValidFourPartDecimal(text);

/** The bits of an address that a prefix keeps, as octets. */
export function prefixMask(addressBytes: number, bits: number): number[] {
  return (addressBytes === 4 ? IPv4 : IPv6).subnetMaskFromPrefixLength(bits).toByteArray();
}
