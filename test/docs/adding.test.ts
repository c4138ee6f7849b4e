// docs/README.md says where things are, and where to add something. Its list of folders is the folders that exist, and what it
// calls "a row" is named by no other file: the names of rows are counted over the program.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CHANNELS } from "../../src/shape/channels.ts";
import { PACKET_LAYOUTS } from "../../src/shape/packet-layouts.ts";
import * as reasons from "../../src/shape/reason-codes.ts";
import { HOUSE, readSources, withoutComments } from "../tidy/sources.ts";

const index = readFileSync(join(HOUSE, "docs/README.md"), "utf8");
const program = readSources()
  .filter(({ path }) => /^(src|ffi)\/.*\.ts$/.test(path))
  .map(({ path, text }) => ({ path, code: withoutComments(text) }));

/** Files of the program whose code, not its comments, holds a word. */
const namedBy = (word: string): string[] => {
  const pattern = new RegExp(`\\b${word}\\b`);
  return program.filter(({ code }) => pattern.test(code)).map(({ path }) => path);
};

describe("the list of folders", () => {
  const rows = [
    ...(index.split("<!-- folders -->")[1]?.split("<!-- end -->")[0] ?? "").matchAll(/^\| `(.+)\/` \| (.+) \|$/gm),
  ];

  test("is every folder of src/, two levels deep, and ffi/", () => {
    const inside = (path: string): string[] =>
      readdirSync(join(HOUSE, path), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => `${path}/${name}`);
    const folders = ["src", ...inside("src"), ...inside("src").flatMap(inside), "ffi"];
    expect(rows.map(([, folder]) => folder).sort()).toEqual(folders.sort());
  });

  test("says something else of each", () => {
    const said = rows.map(([, , text]) => text);
    expect(new Set(said).size).toBe(said.length);
    for (const text of said) expect(text.length).toBeGreaterThan(10);
  });
});

describe("where to add something", () => {
  test("names only files and folders that exist", () => {
    const named = [...index.matchAll(/`((?:src|test|ffi)\/[\w./-]+)`/g)].map(([, path]) => path);
    const missing = named.filter((path) => !existsSync(join(HOUSE, path)));
    expect(named.length).toBeGreaterThan(10);
    expect(missing).toEqual([]);
  });

  test("a channel is a row: packet channels are named in one file", () => {
    const alike = CHANNELS.filter(({ kind, name }) => kind === "packets" && name !== "tpu_to_qos"); // that one is in examples
    expect(alike.length).toBeGreaterThan(0);
    for (const { name } of alike) expect(namedBy(name), name).toEqual(["src/shape/channels.ts"]);
  });

  test("a packet layout is a row", () => {
    for (const name of Object.keys(PACKET_LAYOUTS)) {
      // As a text, a key or a property: "large" is a word of sentences, too.
      const pattern = new RegExp(`["'\`]${name}["'\`]|\\b${name}:|[.]${name}\\b`);
      const named = program.filter(({ code }) => pattern.test(code)).map(({ path }) => path);
      expect(named, name).toEqual(["src/shape/packet-layouts.ts"]);
    }
  });

  test("a model is its file and a row", () => {
    const named = program.filter(({ code }) => code.includes('"ip-signer"')).map(({ path }) => path);
    const own = ["src/rank/models.ts", "src/rank/reference/ip-signer.ts"];
    const compared = "src/cli/simulations/scoreboard.ts"; // the scoreboard compares with this one
    expect(named.filter((path) => path !== compared)).toEqual(own);
  });

  test("a reason is a row and its check", () => {
    const checked = Object.keys(reasons).filter((name) => /^(MALFORMED|UNSANITARY|NEVER)_/.test(name));
    for (const name of checked.filter((each) => each !== "MALFORMED_OVERSIZED")) {
      expect(namedBy(name), name).toEqual(expect.arrayContaining(["src/shape/ends.ts", "src/shape/reason-codes.ts"]));
      // the codes' file is written by the build
      const elsewhere = namedBy(name).filter((path) => !/^src\/(kernel\/|shape\/(ends|reason-codes)\.ts)/.test(path));
      expect(elsewhere, name).toEqual(
        name.startsWith("MALFORMED_LINE") || name === "MALFORMED_BASE64" ? ["src/cli/commands/decode.ts"] : [],
      );
    }
  });

  test("a metric is a row and the line that counts", () => {
    for (const name of ["zeroScore", "simpleVotes", "ipv6Packets", "recentSignaturesReceived", "neverIncludable"]) {
      const elsewhere = namedBy(name).filter((path) => path !== "src/shape/statistics.ts");
      expect(elsewhere, name).toHaveLength(1);
      expect(elsewhere[0], name).toStartWith("src/engine/");
    }
  });
});
