import { expect, test } from "bun:test";
import { printable, printableJson, printableLine } from "../../src/wire/printable.ts";

test("no control character reaches a terminal, and everything else does", () => {
  for (let code = 0; code < 0x3000; code++) {
    const character = String.fromCharCode(code);
    const isControl = (code < 32 && code !== 9 && code !== 10) || (code >= 127 && code < 160);
    const turns =
      code === 0x200e || code === 0x200f || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    expect(printable(`a${character}b`)).toBe(isControl || turns ? "a?b" : `a${character}b`);
  }
  expect(printable("\u001b]0;owned\u0007\u001b[2J\u009b2J")).toBe("?]0;owned??[2J?2J");
  expect(printable("größer 日本 🙂\n\t")).toBe("größer 日本 🙂\n\t");
});

test("JSON keeps its value", () => {
  const value = { name: "a\u0007\u009b2J\u202e\u007f", lines: "b\nc\td" };
  const json = printableJson(JSON.stringify(value));
  expect(json).toBe(printable(json));
  expect(JSON.parse(json)).toEqual(value);
});

test("a line stays one line", () => {
  expect(printableLine("a\u001b[2J\nb\tc\u009b")).toBe("a?[2J b c?");
});
