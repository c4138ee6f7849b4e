// `qos decode`: one answer for one line, whatever stands in it.

import { describe, expect, test } from "bun:test";
import { base58 } from "@scure/base";
import { type Answer, decodeLine, decodeStream, describeAnswer } from "../../../src/cli/commands/decode.ts";
import type { Output } from "../../../src/cli/output.ts";
import { TransactionDecoder } from "../../../src/kernel/decoder.ts";
import * as R from "../../../src/shape/reason-codes.ts";
import { agaveCases, corpus, corpusLines, vectors } from "../../kernel/rig.ts";
import { oldTransaction, PAYER } from "../../oracle/build.ts";
import { COMPUTE_BUDGET } from "../../oracle/transaction.ts";

const decoder = new TransactionDecoder({
  feeModel: "reference",
  preSimd0170: false,
  packetLayout: "agave2",
  xxhashSeed: 420n,
});
const chain = new TransactionDecoder({ feeModel: "chain", preSimd0170: true, packetLayout: "agave4" });
const lines = corpusLines();
/** Of a legacy transaction: behind the count of signatures. */
const FIRST_SIGNATURE = base58.encode(Uint8Array.fromBase64(lines[0].tx).slice(1, 65));
const never = oldTransaction({ keys: [PAYER, COMPUTE_BUDGET], instructions: [{ data: [9] }] });

describe("a line", () => {
  test("as base64 and as JSON gives the golden answers", () => {
    for (const { tx, fee, cus, sigs, key, hash } of vectors<Record<string, string> & { tx: number }>("transactions")) {
      const octets = Uint8Array.of(10, 20, tx >> 8, tx & 255);
      const expected = { verdict: "ok", reason: 0, signatures: sigs, computeUnitLimit: cus, fee, signatureKey: key };
      expect(decodeLine(decoder, ` ${lines[tx].tx}\r`, octets)).toMatchObject({ ...expected, packetHash: hash });
      const asJson = decodeLine(decoder, JSON.stringify(lines[tx]));
      expect(asJson).toMatchObject({ ...expected, version: lines[tx].version });
      expect(asJson.packetHash).toBeUndefined();
    }
  });

  test("of Agave's own cases has the fee and the verdict of its crates", () => {
    const today = new TransactionDecoder({ feeModel: "chain", preSimd0170: false, packetLayout: "large" });
    const cases = agaveCases();
    expect(cases.length).toBe(16);
    for (const { name, tx, agave_4_2_0: agave } of cases) {
      const { verdict, fee, computeUnitLimit, signatures, reason } = decodeLine(today, tx);
      const locked = agave.locks128 === "Ok(())";
      const never = {
        "Err(AccountLoadedTwice)": R.NEVER_DUPLICATE_KEY,
        "Err(TooManyAccountLocks)": R.NEVER_LOCK_LIMIT,
      };
      expect({ name, verdict, fee, computeUnitLimit, signatures, reason }).toEqual({
        name,
        verdict: "ok",
        fee: locked ? `${agave.fee}` : "0",
        computeUnitLimit: agave.cu,
        signatures: agave.sigs,
        reason: locked ? 0 : never[agave.locks128 as keyof typeof never],
      });
    }
    // The longest of them pass no channel of 1232-byte payloads.
    const { tx } = cases[15];
    expect(decodeLine(chain, tx)).toMatchObject({ verdict: "malformed", reason: R.MALFORMED_OVERSIZED });
  });

  test("gives the fee that the chain charged", () => {
    for (const { tx, fee } of lines) expect(decodeLine(chain, tx).fee).toBe(String(fee));
  });

  test("has these fields, in this order", () => {
    const answer = decodeLine(decoder, lines[0].tx, Uint8Array.of(1, 2, 3, 4));
    expect(JSON.stringify(answer)).toBe(
      '{"verdict":"ok","reason":0,"reasonName":"GOOD","version":"legacy",' +
        '"feePayer":"uEhHSnCXvWgtgvVaYscPHjG13G3peMmngQQ2ghC54i3","signatures":1,"computeUnitLimit":200000,' +
        `"computeUnitPrice":"0","fee":"5000","signature":"${FIRST_SIGNATURE}","signatureKey":"0c76bbc88e7a2738","packetHash":"${answer.packetHash}"}`,
    );
  });

  test("that is never included is ok, with fee 0 and a reason", () => {
    const answer = decodeLine(chain, never.toBase64());
    expect(answer).toMatchObject({ verdict: "ok", fee: "0", reason: R.NEVER_BUDGET_UNKNOWN });
  });

  const bad: readonly [string, string, Partial<Answer>][] = [
    ["nothing", "", { verdict: "malformed", reason: R.MALFORMED_EMPTY }],
    ["blanks", " \t\r", { verdict: "malformed", reason: R.MALFORMED_EMPTY }],
    ["no base64", "hello, world", { verdict: "malformed", reason: R.MALFORMED_BASE64 }],
    ["base64 of the web", `${lines[0].tx.slice(0, -4)}-_A=`, { reason: R.MALFORMED_BASE64 }],
    ["base64 without its padding", "AQ", { reason: R.MALFORMED_BASE64 }],
    ["base64 with bits left over", "AR==", { reason: R.MALFORMED_BASE64 }],
    ["padding in the middle", "AQ==AQ==", { reason: R.MALFORMED_BASE64 }],
    ["1233 bytes", new Uint8Array(1_233).toBase64(), { reason: R.MALFORMED_OVERSIZED }],
    ["4097 bytes", new Uint8Array(4_097).toBase64(), { reason: R.MALFORMED_OVERSIZED }],
    ["far too many bytes", "A".repeat(400_000), { reason: R.MALFORMED_OVERSIZED }],
    ["JSON cut short", '{"tx":"AA', { reason: R.MALFORMED_LINE }],
    ["JSON without tx", '{"fee":1}', { reason: R.MALFORMED_LINE }],
    ["JSON with a number", '{"tx":1}', { reason: R.MALFORMED_LINE }],
    ["JSON with bad base64", '{"tx":"?"}', { reason: R.MALFORMED_BASE64 }],
    ["an unsanitary one", oldTransaction({ required: 5 }).toBase64(), { verdict: "unsanitary" }],
    ["a character beyond ASCII", "ÄÖÜ\u{1f600}", { reason: R.MALFORMED_BASE64 }],
  ];
  for (const [name, line, expected] of bad) {
    test(`with ${name}`, () => {
      const answer = decodeLine(chain, line);
      expect(answer).toMatchObject({ verdict: "malformed", ...expected });
      expect(Object.keys(answer)).toEqual(["verdict", "reason", "reasonName"]);
      expect(describeAnswer(answer)).not.toContain("\n");
    });
  }
});

/** Keeps what is written. */
function recorder(closeAfter = Number.POSITIVE_INFINITY): Output & { readonly written: string[] } {
  const written: string[] = [];
  const line = (text: string): void => {
    written.push(text);
  };
  return {
    written,
    line,
    json: (value) => line(JSON.stringify(value)),
    note: line,
    closed: () => written.length >= closeAfter,
  };
}

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const again = new Uint8Array(size); // one memory for all chunks, as a runtime may do it
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    again.set(part);
    yield again.subarray(0, part.length);
  }
}

describe("a stream", () => {
  const input = [lines[0].tx, "", "!", JSON.stringify(lines[1]), "A".repeat(3_000), lines[2].tx];
  const answers = input.map((line) => JSON.stringify(decodeLine(chain, line)));

  for (const size of [1, 7, 64, 65_536]) {
    test(`in chunks of ${size} bytes has one answer a line, with a line end at the end or not`, async () => {
      for (const end of ["", "\n"]) {
        const out = recorder();
        const bytes = new TextEncoder().encode(input.join("\n") + end);
        await decodeStream(chunksOf(bytes, size), (line) => decodeLine(chain, line), true, out);
        expect(out.written).toEqual(answers);
      }
    });
  }

  test("with a line without end is answered, and goes on behind it", async () => {
    const out = recorder();
    const bytes = new Uint8Array(3_000_000).fill(65);
    bytes.set(new TextEncoder().encode(`\n${lines[0].tx}`), bytes.length - lines[0].tx.length - 1);
    await decodeStream(chunksOf(bytes, 10_000), (line) => decodeLine(chain, line), true, out);
    expect(out.written.map((text) => (JSON.parse(text) as Answer).reason)).toEqual([R.MALFORMED_LINE, 0]);
  });

  test("of bytes that are no text, and an empty one", async () => {
    const out = recorder();
    await decodeStream(chunksOf(Uint8Array.of(0xff, 0xfe, 10, 0, 10), 2), (line) => decodeLine(chain, line), true, out);
    await decodeStream(chunksOf(new Uint8Array(0), 1), (line) => decodeLine(chain, line), true, out);
    expect(out.written.map((text) => (JSON.parse(text) as Answer).verdict)).toEqual(["malformed", "malformed"]);
  });

  test("for the terminal has one line for each too, and stops where nobody reads", async () => {
    const text = new TextEncoder().encode(`${input.join("\n")}\n${never.toBase64()}`);
    const out = recorder();
    await decodeStream(chunksOf(text, 100), (line) => decodeLine(chain, line), false, out);
    expect(out.written.length).toBe(7);
    expect(out.written[0]).toBe(
      "ok  legacy  uEhHSnCXvWgtgvVaYscPHjG13G3peMmngQQ2ghC54i3  1 signature  fee 5000 lamports " +
        `(200000 CU at 0 micro-lamports)  signature ${FIRST_SIGNATURE}`,
    );
    expect(out.written[1]).toBe("malformed  MALFORMED_EMPTY: there are no bytes");
    expect(out.written[6]).toEndWith("never included: a compute-budget instruction of unknown kind");
    const few = recorder(2);
    await decodeStream(chunksOf(text, 100), (line) => decodeLine(chain, line), false, few);
    expect(few.written.length).toBe(2);
  });
});

test("the command reads standard input and ends with 0, whatever it reads", async () => {
  const command = [
    process.execPath,
    "src/main.ts",
    "decode",
    "--json",
    "--ip",
    "10.20.0.5",
    "--fee-model",
    "reference",
  ];
  const child = Bun.spawn(command, {
    cwd: new URL("../../..", import.meta.url).pathname,
    env: { ...process.env, QOS_XXHASH_SEED: "420" },
    stdin: new TextEncoder().encode(`${corpus()[5].toBase64()}\nbad\n`),
    stdout: "pipe",
    stderr: "inherit",
  });
  const written = await child.stdout.text();
  expect(await child.exited).toBe(0);
  const answers = written
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Answer);
  const golden = vectors<{ hash: string }>("transactions")[5];
  expect(answers.map(({ verdict }) => verdict)).toEqual(["ok", "malformed"]);
  expect(answers[0].packetHash).toBe(golden.hash);
}, 30_000);

test("the command gives every one of Agave's own cases its fee and its verdict", async () => {
  const cases = agaveCases();
  const child = Bun.spawn([process.execPath, "src/main.ts", "decode", "--json"], {
    cwd: new URL("../../..", import.meta.url).pathname,
    stdin: new TextEncoder().encode(cases.map((one) => JSON.stringify(one)).join("\n")),
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = (await child.stdout.text()).trim().split("\n");
  expect(await child.exited).toBe(0);
  expect(lines.map((line) => JSON.parse(line)).map(({ verdict, fee }: Answer) => [verdict, fee])).toEqual(
    // A transaction whose locks fail is never included, so it never pays.
    cases.map(({ agave_4_2_0: agave }) => ["ok", agave.locks128 === "Ok(())" ? `${agave.fee}` : "0"]),
  );
}, 30_000);

test("the command takes each of its flags", async () => {
  const flags = ["--pre-simd-0170", "--fee-model", "chain", "--packet-layout", "agave4", "--ip", "2001:db8::1"];
  const child = Bun.spawn([process.execPath, "src/main.ts", "decode", ...flags, "--xxhash-seed", "7"], {
    cwd: new URL("../../..", import.meta.url).pathname,
    stdin: new TextEncoder().encode(lines[105].tx),
    stdout: "pipe",
    stderr: "inherit",
  });
  const written = await child.stdout.text();
  expect(await child.exited).toBe(0);
  expect(written).toContain(`fee ${lines[105].fee} lamports`);
  expect(written).toMatch(/ {2}hash [0-9a-f]{16}\n$/);
}, 30_000);

test("says that an address without a seed gives no packet hash", async () => {
  const { QOS_XXHASH_SEED: _, ...env } = process.env;
  const child = Bun.spawn([process.execPath, "src/main.ts", "decode", "--ip", "10.0.0.1"], {
    cwd: new URL("../../..", import.meta.url).pathname,
    env,
    stdin: new TextEncoder().encode(lines[0].tx),
    stdout: "ignore",
    stderr: "pipe",
  });
  expect(await child.stderr.text()).toContain("--ip without --xxhash-seed");
  expect(await child.exited).toBe(0);
}, 30_000);
