import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { decodeCheckpoint, encodeCheckpoint, type SavedScores } from "../../../src/sidecar/scores/checkpoint.ts";
import { jsonLines, readScores, referenceLines } from "../../../src/sidecar/scores/scores-text.ts";
import { StateFile } from "../../../src/sidecar/scores/state-file.ts";
import { runText as qos } from "../../tools/command-line.ts";
import { MemoryLog } from "../parts.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "qos-scores-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Two addresses (one IPv6) and a payer. */
const saved: SavedScores = {
  model: "ip-signer",
  tables: [
    {
      name: "ips",
      keyBytes: 8,
      keys: Uint8Array.of(10, 0, 0, 1, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 5),
      traits: Uint8Array.of(0, 1),
      scores: Float64Array.of(0.1 + 0.2, 5e-324),
    },
    {
      name: "payers",
      keyBytes: 32,
      keys: new Uint8Array(32).fill(7),
      traits: Uint8Array.of(0),
      scores: Float64Array.of(1e300),
    },
  ],
};

const options = { model: "ip-signer", reversed: false };

describe("text", () => {
  test("as JSON lines is the same scores again, to the last bit", () => {
    const text = [...jsonLines(saved)].join("\n");
    expect(text.split("\n")[0]).toBe('{"model":"ip-signer"}');
    expect(text).toContain('{"ip":"2001:db8:0:5::/64","score":5e-324}');
    expect(readScores(text, { ...options, model: "other" })).toEqual({ saved, problems: [], problemCount: 0 });
  });

  test("in the reference's form has the IPv4 addresses, either way round", () => {
    expect([...referenceLines(saved)]).toEqual(["10.0.0.1 0.30000000000000004"]);
    const read = (text: string, reversed: boolean) => readScores(text, { ...options, reversed }).saved.tables[0];
    expect([...read("1.0.0.10 2.5\n", true).keys]).toEqual([10, 0, 0, 1, 0, 0, 0, 0]);
    expect([...read("10.0.0.1 2.5\n", false).scores]).toEqual([2.5]);
  });

  test("that is wrong is named with its line, and the others count", () => {
    const text =
      '# a comment\n1.2.3.4 1\nx 1\n1.2.3.4\n1.2.3.4 NaN\n{"ip":"1.1.1.1"}\n{"payer":"0","score":1}\n{\n{"score":1}\n1.2.3.4 2';
    const { saved: found, problems, problemCount } = readScores(text, options);
    expect([...found.tables[0].scores]).toEqual([2]);
    expect(problems.map((one) => one.split(":")[0])).toEqual([3, 4, 5, 6, 7, 8, 9].map((line) => `line ${line}`));
    expect(readScores("x\n".repeat(50), options)).toMatchObject({ problemCount: 50 });
    expect(problemCount).toBe(7);
  });

  test("of any kind is read without a fault", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (text) => {
        const { saved: found } = readScores(text, options);
        expect(decodeCheckpoint(encodeCheckpoint(found), found.model)).toMatchObject({ state: "good" });
      }),
      { seed: 8 },
    );
  });
});

describe("qos scores", () => {
  test("exports and imports a checkpoint byte by byte", async () => {
    const [state, again, text] = ["state", "again", "text"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(state, encodeCheckpoint(saved));
    const exported = await qos("scores", "export", "--state", state, "--model", "ip-signer");
    expect(exported.code).toBe(0);
    writeFileSync(text, exported.out);
    const imported = await qos("scores", "import", text, "--state", again, "--model", "ip-signer");
    expect(imported).toMatchObject({ code: 0, err: "" });
    expect(imported.out).toContain("2 addresses and 1 fee payers");
    expect(readFileSync(again).equals(readFileSync(state))).toBe(true);
    const old = await qos("scores", "export", "--state", state, "--model", "ip-signer", "--form", "reference");
    expect(old.out).toBe("10.0.0.1 0.30000000000000004\n");
  });

  test("imports over what is there with --force alone, keeps its owner, and leaves a sidecar's file to it", async () => {
    const [state, text] = ["there", "text-there"].map((name) => join(folder, name)) as [string, string];
    writeFileSync(text, '{"model":"ip-signer"}\n{"ip":"1.2.3.4","score":1}\n');
    writeFileSync(state, "precious");
    const flags = ["scores", "import", text, "--state", state, "--model", "ip-signer"];
    const refused = await qos(...flags);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`${state} is there already: --force replaces it`);
    expect(readFileSync(state, "utf8")).toBe("precious");

    const isRoot = process.geteuid?.() === 0;
    if (isRoot) chownSync(state, 65_534, 65_534);
    expect((await qos(...flags, "--force")).code).toBe(0);
    expect(statSync(state).uid).toBe(isRoot ? 65_534 : (process.geteuid?.() ?? -1));
    expect(existsSync(`${state}.lock`)).toBe(false);

    const used = new StateFile(state, new MemoryLog());
    used.open();
    const busy = await qos(...flags, "--force");
    expect(busy.code).toBe(1);
    expect(busy.err).toContain(`in use by the sidecar that runs as process ${process.pid}`);
    expect(busy.err).toContain("qos ctl checkpoint");
    used.close();

    const own = join(folder, "of-nobody");
    mkdirSync(own);
    if (isRoot) chownSync(own, 65_534, 65_534);
    expect((await qos("scores", "import", text, "--state", join(own, "s"), "--model", "ip-signer")).code).toBe(0);
    expect(statSync(join(own, "s")).uid).toBe(statSync(own).uid);
    expect((await qos("scores", "import", text, "--state", "/dev/full", "--force")).err).toContain("not a plain file");
  });

  test("refuses what is broken, foreign or empty, and leaves what is there", async () => {
    const [state, text] = ["foreign", "empty"].map((name) => join(folder, name)) as [string, string];
    writeFileSync(state, encodeCheckpoint(saved));
    expect((await qos("scores", "export", "--state", state, "--model", "evidence")).err).toContain("of the model");
    expect((await qos("scores", "export", "--state", join(folder, "absent"))).code).toBe(1);
    writeFileSync(text, '{"model":"ip-signer"}\n1.2.3.4 1\n');
    const other = join(folder, "other");
    expect((await qos("scores", "import", text, "--state", other, "--model", "evidence")).err).toContain(
      "--model ip-signer",
    );
    writeFileSync(text, "\n");
    expect((await qos("scores", "import", text, "--state", other, "--model", "ip-signer")).err).toContain("no scores");
    expect(existsSync(other)).toBe(false);
    for (const wrong of [["export"], ["import", "--state", "x"], ["exprot", "--state", "x"]]) {
      expect((await qos("scores", ...wrong)).code).toBe(2);
    }
  });
});
