import { expect, test } from "bun:test";
import { version } from "../package.json";
import { describeVersion, VERSION } from "../src/version.ts";

test("from source the version says so", () => {
  expect(VERSION).toBe(`${version}+source`);
});

test("a build names its commit where there is one", () => {
  expect(describeVersion("1.2.3", "1a2b3c4.dirty")).toBe("1.2.3+1a2b3c4.dirty");
  expect(describeVersion("1.2.3", "")).toBe("1.2.3");
});
