import { expect, test } from "bun:test";
import fc from "fast-check";
import { BOARD_TEXT_BYTES, boardVersion, readBoard, writeBoard } from "../../src/observe/board.ts";
import { BOARD_AT, STATUS_BYTES } from "../../src/shape/layout.ts";

test("what is written is read, the newest, at any place of a buffer", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 5 }),
      fc.constantFrom(0, 64),
      (texts, at) => {
        const buffer = new ArrayBuffer(at + STATUS_BYTES);
        const page = new Uint8Array(buffer, at, STATUS_BYTES);
        expect(readBoard(page)).toBeUndefined();
        texts.forEach((text, i) => {
          expect(writeBoard(buffer, at, text)).toBe(true);
          expect(boardVersion(page)).toBe(2 * (i + 1));
          expect(readBoard(page)).toBe(text === "" ? undefined : text);
        });
      },
    ),
    { seed: 8 },
  );
});

test("a text that is too long leaves the one before", () => {
  const buffer = new ArrayBuffer(STATUS_BYTES);
  const page = new Uint8Array(buffer);
  expect(writeBoard(buffer, 0, "x".repeat(BOARD_TEXT_BYTES))).toBe(true);
  expect(writeBoard(buffer, 0, "y".repeat(BOARD_TEXT_BYTES + 1))).toBe(false);
  expect(readBoard(page)).toBe("x".repeat(BOARD_TEXT_BYTES));
});

test("one that is being written, or whose length is none, is not read", () => {
  const buffer = new ArrayBuffer(STATUS_BYTES);
  const page = new Uint8Array(buffer);
  writeBoard(buffer, 0, "text");
  const words = new Uint32Array(buffer, BOARD_AT, 2);
  words[0] = 3;
  expect(readBoard(page)).toBeUndefined();
  words[0] = 4;
  words[1] = BOARD_TEXT_BYTES + 1;
  expect(readBoard(page)).toBeUndefined();
});
