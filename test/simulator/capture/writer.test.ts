import { expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { readRecording } from "../../../src/simulator/capture/reader.ts";
import { RecordingWriter } from "../../../src/simulator/capture/writer.ts";
import { elementOf, Folder } from "./rig.ts";

const element = elementOf(new Uint8Array(10).fill(1));

test("a file that is there stays what it is", () => {
  using folder = new Folder();
  writeFileSync(folder.file(), "something dear");
  expect(() => new RecordingWriter(folder.file(), "agave2", 0)).toThrow("is there already, and nothing is overwritten");
  expect(readFileSync(folder.file(), "utf8")).toBe("something dear");
});

test("a folder that is not there is a sentence", () => {
  using folder = new Folder();
  const path = folder.file("none/traffic.rec");
  expect(() => new RecordingWriter(path, "agave2", 0)).toThrow(`cannot write the recording ${path}`);
});

test("until its end it is not a recording; only its owner reads it; given up, it is gone unless it holds packets", () => {
  using folder = new Folder();
  const writer = new RecordingWriter(folder.file(), "agave2", 0);
  writer.add(1, element, 7);
  writer.flush();
  expect(statSync(folder.file()).mode & 0o777).toBe(0o600);
  expect(readRecording(readFileSync(folder.file()))).toContain("ends early");
  writer.end(7, [0, 0, 0, 0]);
  expect(readRecording(readFileSync(folder.file()))).toMatchObject({ packets: 1 });
  const other = new RecordingWriter(folder.file("other.rec"), "agave2", 0);
  other.add(1, element, 7);
  expect(other.abandon()).toBe(0); // not written yet
  expect(existsSync(folder.file("other.rec"))).toBe(false);
  const third = new RecordingWriter(folder.file("third.rec"), "agave2", 0);
  third.add(1, element, 7);
  third.flush();
  third.add(2, element, 8);
  expect(third.abandon()).toBe(1);
  expect(readRecording(readFileSync(folder.file("third.rec")), true)).toMatchObject({ packets: 1, leftOut: 0 });
});
