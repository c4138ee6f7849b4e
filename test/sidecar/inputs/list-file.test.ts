import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseList } from "../../../src/sidecar/inputs/list-file.ts";

const read = (text: string, most = 100) => parseList(Buffer.from(text), most);
const shown = (text: string): string[] => read(text).prefixes.map(({ octets, bits }) => `${octets.join(".")}/${bits}`);

test("addresses, prefixes and payers, each once", () => {
  const payer = "Vote111111111111111111111111111111111111111";
  const { prefixes, payers, problems } = read(
    `# who\n1.2.3.4\n 10.1.2.3/8 # the net\n10.0.0.0/8\r\n2001:db8::1\n2001:db8::/32\n${payer}\n${payer}\n\n0.0.0.0/0`,
  );
  expect(problems).toEqual([]);
  expect(prefixes).toHaveLength(5);
  expect(payers.map((key) => key.length)).toEqual([32]);
});

test("a prefix keeps its bits, an IPv6 one at most 64 of them", () => {
  expect(shown("10.1.2.3/8")).toEqual(["10.0.0.0/8"]);
  expect(shown("255.255.255.255/25")).toEqual(["255.255.255.128/25"]);
  expect(shown("2001:db8:1:2:3::/96")).toEqual(["32.1.13.184.0.1.0.2/64"]);
  expect(shown("2001:db8:ffff::/36")).toEqual(["32.1.13.184.240.0.0.0/36"]);
  expect(shown("::ffff:1.2.3.4")).toEqual(["1.2.3.4/32"]);
  expect(shown("::ffff:1.2.3.4/104")).toEqual(["1.0.0.0/8"]);
});

test("a wrong line is named and left out, the others count", () => {
  const { prefixes, problems } = read(
    "1.2.3.4\nbanana\n1.2.3.4/33\n1.2.3/8\n::/129\n1.2.3.4/8/8\n::ffff:1.2.3.4/95\n5.6.7.8",
  );
  expect(prefixes).toHaveLength(2);
  expect(problems.map((one) => one.split(":")[0])).toEqual([
    "line 2",
    "line 3",
    "line 4",
    "line 5",
    "line 6",
    "line 7",
  ]);
  expect(read("1.1.1.1\n2.2.2.2\n3.3.3.3", 2)).toMatchObject({
    problemCount: 1,
    problems: ["line 3: more than 2 entries"],
  });
  expect(read("x\n".repeat(100)).problems).toHaveLength(20);
});

test("any bytes are read", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const { prefixes } = parseList(bytes, 10);
      expect(prefixes.length).toBeLessThanOrEqual(10);
    }),
    { seed: 8 },
  );
});
