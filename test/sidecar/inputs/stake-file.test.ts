import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseStakes } from "../../../src/sidecar/inputs/stake-file.ts";

const parse = (text: string, most = 1_000) => parseStakes(new TextEncoder().encode(text), most);
const rows = (text: string) => parse(text).stakes.map(({ octets, lamports }) => [[...octets], lamports]);

describe("lines", () => {
  test("addresses, comments, blank lines, any line end", () => {
    const text = "# stakes\n\n1.2.3.4 1000\r\n  10.0.0.1\t18446744073709551615  # the largest\n2001:db8:1:2::7 5\n";
    expect(rows(text)).toEqual([
      [[1, 2, 3, 4], 1_000n],
      [[10, 0, 0, 1], 18_446_744_073_709_551_615n],
      [[0x20, 1, 0x0d, 0xb8, 0, 1, 0, 2], 5n],
    ]);
    expect(parse(text).totalLamports).toBe(18_446_744_073_709_551_615n + 1_005n);
    expect(parse(text).problems).toEqual([]);
  });

  test("a total line replaces the sum", () => {
    expect(parse("1.1.1.1 10\ntotal 400\n").totalLamports).toBe(400n);
    expect(parse("1.1.1.1 10\n2.2.2.2 20").totalLamports).toBe(30n);
    expect(parse("").totalLamports).toBe(0n);
  });

  test("addresses of one /64 are one sender", () => {
    expect(rows("2001:db8::1 10\n2001:db8::2 20\n")).toEqual([[[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0], 30n]]);
    expect(parse("2001:db8::1 10\n2001:db8::2 20\n").totalLamports).toBe(30n);
  });
});

describe("bad lines", () => {
  const table: [string, string][] = [
    ["1.2.3.4", 'line 1: "1.2.3.4" is not "IP LAMPORTS"'],
    ["1.2.3.4 5 6", 'line 1: "1.2.3.4 5 6" is not "IP LAMPORTS"'],
    ["1.2.3.4 -5", 'line 1: "-5" is not an amount of lamports from 0 to 18446744073709551615'],
    ["1.2.3.4 1e9", 'line 1: "1e9" is not an amount of lamports from 0 to 18446744073709551615'],
    [
      "1.2.3.4 18446744073709551616",
      'line 1: "18446744073709551616" is not an amount of lamports from 0 to 18446744073709551615',
    ],
    ["1.2.3.256 5", 'line 1: "1.2.3.256" is not an IP address'],
    ["1.2.3 5", 'line 1: "1.2.3" is not an IP address'],
    ["01.2.3.4 5", 'line 1: "01.2.3.4" is not an IP address'],
    ["fe80::1%eth0 5", 'line 1: "fe80::1%eth0" is not an IP address'],
    ["localhost 5", 'line 1: "localhost" is not an IP address'],
    ["\n1.2.3.4 5\n1.2.3.4 6", "line 3: 1.2.3.4 stands in line 2 already"],
    ["total 5\ntotal 6", "line 2: a second total (the first is in line 1)"],
    ["total x", 'line 1: "x" is not an amount of lamports from 0 to 18446744073709551615'],
  ];
  for (const [text, problem] of table) {
    test(JSON.stringify(text), () => expect(parse(text).problems).toEqual([problem]));
  }

  test("the good lines around them count", () => {
    expect(rows("1.1.1.1 1\nnonsense\n2.2.2.2 2\n")).toEqual([
      [[1, 1, 1, 1], 1n],
      [[2, 2, 2, 2], 2n],
    ]);
  });

  test("there is a most of addresses, and of problems that are told", () => {
    const list = parse("1.1.1.1 1\n2.2.2.2 2\n3.3.3.3 3\n", 2);
    expect([list.stakes.length, list.problems]).toEqual([2, ["line 3: more than 2 addresses"]]);
    const many = parse("x\n".repeat(1_000));
    expect([many.problems.length, many.problemCount]).toEqual([20, 1_000]);
  });

  test("any bytes are survived, and what is repeated of them is short and printable", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        for (const problem of parseStakes(bytes, 10).problems) {
          expect(problem.length).toBeLessThan(600);
          expect([...problem].every((letter) => letter >= " ")).toBe(true);
        }
      }),
    );
  });
});
