// `qos simulate` as a process beside a sidecar as a process, over real channels.

import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { CHANNELS, OUTPUT_CHANNEL } from "../../src/shape/channels.ts";
import type { Summary } from "../../src/simulator/summary.ts";
import { freshPrefix, lawOf, SidecarProcess } from "../sidecar/sidecar-process.ts";

const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;
const CORPUS = new URL("../fixtures/corpus/mainnet-254170887.jsonl", import.meta.url).pathname;
const LIMIT_MS = 120_000;

const children: Subprocess[] = [];
const folders: string[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function simulate(...args: string[]) {
  const child = Bun.spawn([process.execPath, MAIN, "simulate", ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: process.env.PATH ?? "" },
  });
  children.push(child);
  const finished = async () => {
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { code: await child.exited, out, err };
  };
  return { child, finished: finished() };
}

const filesOf = (prefix: string): string[] =>
  readdirSync("/dev/shm")
    .filter((name) => name.startsWith(prefix))
    .sort();

/** Those of the seven channels that the validator produces which are there. */
const inputsOf = (prefix: string): string[] =>
  filesOf(prefix).filter((name) => CHANNELS.some((one, id) => id !== OUTPUT_CHANNEL && name === prefix + one.name));

function removeFiles(prefix: string): void {
  for (const name of filesOf(prefix)) rmSync(join("/dev/shm", name));
}

function fileWith(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), "qos-simulate-"));
  folders.push(folder);
  const file = join(folder, "input.jsonl");
  writeFileSync(file, content);
  return file;
}

describe("beside a sidecar", () => {
  test.each([
    { named: "agave2", taken: "agave2" },
    { named: "agave4", taken: "agave4" },
    // Neither says it: the validator makes large channels, and the sidecar waits for the first of them.
    { named: undefined, taken: "large" },
  ])(
    "all comes back as it was sent, the best of each batch first: $taken",
    async ({ named, taken }) => {
      const prefix = freshPrefix();
      const layout = named === undefined ? [] : ["--packet-layout", named];
      await using sidecar = new SidecarProcess(prefix, [
        ...layout,
        "--xxhash-seed",
        "420",
        "--model",
        "ip-signer",
        "--batch-interval",
        "100ms",
      ]);
      try {
        const args = ["--prefix", prefix, ...layout, "--no-feedback", "--corpus", CORPUS, "--check-order"];
        const { code, out, err } = await simulate(...args, "--rate", "5000", "--duration", "2s", "--json").finished;
        expect({ code, err, out }).toMatchObject({ code: 0, err: "" }); // a failure shows the summary, too
        const summary = JSON.parse(out) as Summary;
        expect(summary).toMatchObject({ foreign: 0, repeated: 0, lapped: 0, interrupted: false });
        expect(summary.sent).toBeGreaterThan(5_000);
        expect(summary.delivered).toBe(summary.sent);
        expect(summary.order?.rises).toBe(0);
        expect(summary.order?.batches).toBeGreaterThan(3);
        expect(summary.included).toBeGreaterThan(0);
        expect(summary.arrivalOrderLamports).toBeGreaterThan(0);
        expect(await sidecar.stop()).toBe(0);
        const stats = sidecar.stats();
        expect(stats.sidecar).toMatchObject({ packetLayout: taken });
        expect(stats.counters).toMatchObject({
          totalPackets: summary.sent,
          failedView: 0,
          failedSanitize: 0,
          completed: 0,
        });
        const [total, accounted] = lawOf(stats);
        expect(accounted).toBe(total);
        // The seven that the validator made are gone with it; what else is there is the sidecar's.
        expect(inputsOf(prefix)).toEqual([]);
      } finally {
        removeFiles(prefix);
      }
    },
    LIMIT_MS,
  );

  test(
    "what the sidecar holds at the end is waited for, and every packet is accounted for",
    async () => {
      const prefix = freshPrefix();
      // A model that sends all it holds; evidence keeps what it thinks hopeless until that expires.
      await using sidecar = new SidecarProcess(prefix, ["--target-pps", "2000", "--model", "ip-signer"]);
      try {
        const { code, out, err } = await simulate("--prefix", prefix, "--rate", "6000", "--duration", "1s", "--json")
          .finished;
        expect({ code, err, out }).toMatchObject({ code: 0, err: "" });
        const summary = JSON.parse(out) as Summary;
        expect(summary).toMatchObject({ foreign: 0, repeated: 0, lapped: 0, unfinished: false });
        expect(summary.deliveredAfterEnd).toBeGreaterThan(0);
        expect(summary.sent).toBe(summary.delivered + summary.lapped + summary.kept);
        expect(await sidecar.stop()).toBe(0);
        expect(sidecar.stats().counters).toMatchObject({
          totalPackets: summary.sent,
          bankingTransmissions: summary.delivered,
          queued: 0,
        });
        const { overflowed, failed, included, notIncluded, waiting } = summary;
        expect(overflowed + failed + included + notIncluded + waiting).toBe(summary.delivered);
      } finally {
        removeFiles(prefix);
      }
    },
    LIMIT_MS,
  );

  test(
    "signatures are really checked, and every answer arrives and is understood",
    async () => {
      const prefix = freshPrefix();
      await using sidecar = new SidecarProcess(prefix, ["--xxhash-seed", "7"]);
      try {
        const flags = ["--prefix", prefix, "--sign", "--rate", "400", "--duration", "3s", "--json"];
        const { code, out, err } = await simulate(...flags).finished;
        expect([code, err]).toEqual([0, ""]);
        const summary = JSON.parse(out) as Summary;
        expect(summary).toMatchObject({ foreign: 0, repeated: 0, traffic: "agents" });
        expect(summary.failed).toBeGreaterThan(0);
        expect(summary.included).toBeGreaterThan(200);
        expect(await sidecar.stop()).toBe(0);
        const { counters } = sidecar.stats();
        expect(counters.unknownOutcomes).toBe(0);
        // The last answers may come after the sidecar's last look, never more than were given.
        expect(counters.sigverifyFeedback).toBeGreaterThan(0);
        expect(counters.sigverifyFeedback).toBeLessThanOrEqual(summary.failed);
        expect(counters.completed).toBeGreaterThan(200);
        expect(counters.completed).toBeLessThanOrEqual(summary.included + summary.notIncluded);
        expect(counters.failedView).toBeGreaterThan(0);
        expect(counters.duplicatePackets).toBeGreaterThan(0);
        expect(counters.recentSignaturesReceived).toBeLessThanOrEqual(summary.included);
      } finally {
        removeFiles(prefix);
      }
    },
    LIMIT_MS,
  );

  test(
    "SIGINT ends it with the summary so far, and leaves nothing of it behind",
    async () => {
      const prefix = freshPrefix();
      await using sidecar = new SidecarProcess(prefix);
      try {
        const { child, finished } = simulate("--prefix", prefix, "--duration", "60s", "--rate", "1000");
        const taken = /in [1-9]/;
        await sidecar.says(taken);
        child.kill("SIGINT");
        const { code, out } = await finished;
        expect(code).toBe(0);
        expect(out).toContain("interrupted");
        expect(out).toMatch(/delivered +[1-9]/);
        expect(inputsOf(prefix)).toEqual([]);
        await sidecar.stop();
      } finally {
        removeFiles(prefix);
      }
    },
    LIMIT_MS,
  );

  test(
    "goes on when the sidecar is killed and comes back",
    async () => {
      const prefix = freshPrefix();
      try {
        await using first = new SidecarProcess(prefix, ["--log-interval", "200ms"]);
        const { finished } = simulate("--prefix", prefix, "--duration", "6s", "--rate", "1000", "--json");
        await first.says(/in [1-9]/);
        first.kill("SIGKILL");
        await first.ended();
        await using second = new SidecarProcess(prefix, ["--log-interval", "200ms"]);
        await second.says(/in [1-9]/);
        const { code, out, err } = await finished;
        expect([code, err]).toEqual([0, ""]);
        expect(JSON.parse(out)).toMatchObject({ foreign: 0, interrupted: false });
        await second.stop();
      } finally {
        removeFiles(prefix);
      }
    },
    LIMIT_MS,
  );
});

describe("refused, with a sentence and nothing left behind", () => {
  const one = '{"tx":"AQ=="}';
  test.each([
    ["no sidecar", ["--wait", "50ms"], 1, "start one with: qos run --prefix"],
    ["no corpus", ["--corpus", "/nonexistent/corpus.jsonl"], 1, "cannot read the corpus"],
    ["an unknown scenario", ["--scenario", "none"], 1, "there is no scenario"],
    ["two kinds of traffic", ["--scenario", "overload", "--corpus", CORPUS], 2, "not both"],
    ["an order that feedback changes", ["--check-order"], 2, "--no-feedback"],
    ["a signed corpus", ["--sign", "--corpus", CORPUS], 2, "--sign"],
    ["a virtual corpus", ["--virtual", "--corpus", CORPUS], 2, "--virtual"],
    ["more than it can keep account of", ["--rate", "2000000", "--duration", "1h"], 2, "--rate"],
    ["an unknown flag", ["--sead", "4"], 2, "--seed"],
  ])(
    "%s",
    async (_, args, code, sentence) => {
      const prefix = freshPrefix();
      const ended = await simulate("--prefix", prefix, ...args).finished;
      expect(ended.err).toContain(sentence);
      expect(ended.code).toBe(code);
      expect(filesOf(prefix)).toEqual([]);
    },
    LIMIT_MS,
  );

  test.each([
    ["no JSON", `${one.replace("AQ==", "")}\nnonsense`, ":1:"],
    ["no JSON later", "\n\n{", ":3:"],
    ["no object", "null", 'has no text "tx"'],
    ["a number", '{"tx":5}', 'has no text "tx"'],
    ["no base64", '{"tx":"!!!!"}', "is not base64"],
    ["too short", one, "has 1 bytes"],
    ["too long", JSON.stringify({ tx: Buffer.alloc(4_097).toString("base64") }), "has 4097 bytes"],
    ["no transaction", JSON.stringify({ tx: Buffer.alloc(300).toString("base64") }), "not a valid transaction"],
    ["nothing", "\n", "has no transactions"],
  ])(
    "a corpus line: %s",
    async (_, content, sentence) => {
      const prefix = freshPrefix();
      const ended = await simulate("--prefix", prefix, "--corpus", fileWith(content)).finished;
      expect(ended.err).toContain(sentence);
      expect(ended.code).toBe(1);
      expect(filesOf(prefix)).toEqual([]);
    },
    LIMIT_MS,
  );

  test(
    "a channel of another kind is named and stays as it is",
    async () => {
      const prefix = freshPrefix();
      const path = `/dev/shm/${prefix}tpu_to_qos`;
      writeFileSync(path, "something else");
      try {
        const ended = await simulate("--prefix", prefix).finished;
        expect(ended.code).toBe(1);
        expect(ended.err).toContain(path);
        expect(await Bun.file(path).text()).toBe("something else");
        expect(filesOf(prefix)).toEqual([`${prefix}tpu_to_qos`]);
      } finally {
        removeFiles(prefix);
      }
    },
    LIMIT_MS,
  );
});

test(
  "virtual time needs no channels, and says the same for the same seed",
  async () => {
    const play = async (seed: string): Promise<string> => {
      const args = ["--virtual", "--scenario", "sleepers", "--duration", "1s", "--seed", seed, "--json"];
      const { code, out, err } = await simulate(...args).finished;
      expect([code, err]).toEqual([0, ""]);
      return (JSON.parse(out) as { history: string }).history;
    };
    const first = await play("11");
    expect(first).toMatch(/^[0-9a-f]{16}$/);
    expect(await play("11")).toBe(first);
    expect(await play("12")).not.toBe(first);
  },
  LIMIT_MS,
);

test(
  "a soak tries seeds until its time is over",
  async () => {
    const { code, out, err } = await simulate("--soak", "1ms", "--seed", "3").finished;
    // On a busy machine even one seed takes long enough for a line of progress.
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringMatching(/^(1 seeds, the last was 3 .*\n)?$/) });
    expect(out).toContain("1 seeds from 3 on");
  },
  LIMIT_MS,
);
