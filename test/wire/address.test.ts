import { describe, expect, test } from "bun:test";
import { isIP } from "node:net";
import fc from "fast-check";
import { addressOctets, parseAddress } from "../../src/wire/address.ts";
import { formatAddress } from "../../src/wire/address-text.ts";

describe("addresses", () => {
  test("every IPv4 address is its octets", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (octets) => {
        expect([...parseAddress(octets.join("."))!]).toEqual([...octets]);
        expect([...parseAddress(`::ffff:${octets.join(".")}`)!]).toEqual([...octets]);
      }),
    );
  });

  test("every IPv6 address is its first 8 octets, however it is written", () => {
    const octet16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(octet16, (octets) => {
        const words = Array.from({ length: 8 }, (_, i) => octets[2 * i] * 256 + octets[2 * i + 1]);
        fc.pre(words.slice(0, 5).some((word) => word !== 0));
        const long = words.map((word) => word.toString(16)).join(":");
        // The platform's own writing of it, with the longest run of zeros as `::`.
        const short = new URL(`http://[${long}]/`).hostname.slice(1, -1);
        for (const text of [long, short, long.toUpperCase()]) {
          expect([...parseAddress(text)!]).toEqual([...octets.subarray(0, 8)]);
        }
      }),
    );
  });

  test("shorthands", () => {
    expect([...parseAddress("::")!]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...parseAddress("::1")!]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...parseAddress("1::")!]).toEqual([0, 1, 0, 0, 0, 0, 0, 0]);
    expect([...parseAddress("64:ff9b::1.2.3.4")!]).toEqual([0, 0x64, 0xff, 0x9b, 0, 0, 0, 0]);
    expect([...parseAddress("::FFFF:0102:0304")!]).toEqual([1, 2, 3, 4]);
  });
});

test("what is an address is what the platform takes for one, but for zones", () => {
  const mixed = fc.string({ unit: fc.constantFrom(..."0123456789abcfFxX.::%/"), maxLength: 20 });
  const dotted = fc.array(fc.constantFrom("0", "1", "01", "255", "256", "0x1", "", "9"), {
    minLength: 3,
    maxLength: 5,
  });
  const words = fc.array(fc.constantFrom("0", "1", "ffff", "12345", "", "1.2.3.4", "1.02.3.4"), { maxLength: 9 });
  const texts = fc.oneof(
    mixed,
    dotted.map((parts) => parts.join(".")),
    words.map((parts) => parts.join(":")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const isAddress = isIP(text) !== 0 && !text.includes("%");
      expect([text, addressOctets(text) !== undefined]).toEqual([text, isAddress]);
    }),
    { numRuns: 20_000, seed: 8 },
  );
});

describe("keys as text", () => {
  test("IPv4", () => {
    expect(formatAddress(Uint8Array.of(10, 0, 255, 1, 0, 0, 0, 0), false)).toBe("10.0.255.1");
  });

  test("a /64 is read back as itself", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (key) => {
        const [address, bits] = formatAddress(key, true).split("/");
        expect(bits).toBe("64");
        expect([...addressOctets(address)!.subarray(0, 8)]).toEqual([...key]);
      }),
    );
  });
});
