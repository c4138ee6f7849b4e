// Asks the published crate `agave-transaction-view` what it makes of payloads (test/rust/view-oracle).

import { join } from "node:path";
import { buildRust } from "../rust/build.ts";

export const rust = buildRust();

export type Verdict = "good" | "malformed" | "unsanitary";
const VERDICTS: readonly Verdict[] = ["good", "malformed", "unsanitary"];

export interface OracleInstruction {
  readonly program: number;
  readonly accountsAt: number;
  readonly accounts: number;
  readonly dataAt: number;
  readonly dataBytes: number;
}

/** What the crate read; from 2.1 if that could read it, else from 6.1. */
export interface OracleFields {
  readonly version: number;
  readonly signatures: number;
  readonly keys: number;
  readonly lookups: number;
  /** Accounts behind lookup tables. */
  readonly lookedUp: number;
  readonly signatureAt: number;
  readonly keysAt: number;
  readonly blockhashAt: number;
  /** v1. */
  readonly config: { readonly mask: number; readonly fee: bigint; readonly limit: number };
  readonly instructions: readonly OracleInstruction[];
}

export interface OracleAnswer {
  /** What version 2.1 says. */
  readonly old: Verdict;
  /** What version 6.1 says, with today's limits. */
  readonly current: Verdict;
  /** Whether both read it and agree on every field; false if one of them could not. */
  readonly agree: boolean;
  readonly fields: OracleFields | undefined;
}

const FIXED_BYTES = 44;
const INSTRUCTION_BYTES = 10;

function readAnswer(view: DataView, at: number): OracleAnswer {
  const u8 = (offset: number): number => view.getUint8(at + offset);
  const u16 = (offset: number): number => view.getUint16(at + offset, true);
  const header = { old: VERDICTS[u8(0)], current: VERDICTS[u8(1)], agree: u8(3) === 1 };
  if (u8(2) === 0) return { ...header, fields: undefined };
  const instructions = Array.from({ length: u16(12) }, (_, i) => {
    const from = FIXED_BYTES + i * INSTRUCTION_BYTES;
    return {
      program: u16(from),
      accountsAt: u16(from + 2),
      accounts: u16(from + 4),
      dataAt: u16(from + 6),
      dataBytes: u16(from + 8),
    };
  });
  return {
    ...header,
    fields: {
      version: u8(4),
      signatures: u8(5),
      keys: u8(9),
      lookups: u8(10),
      lookedUp: u16(14) + u16(16),
      signatureAt: u16(18),
      keysAt: u16(20),
      blockhashAt: u16(22),
      config: {
        mask: u8(11),
        fee: view.getBigUint64(at + 24, true),
        limit: view.getUint32(at + 32, true),
      },
      instructions,
    },
  };
}

/**
 * Asks about many payloads at once.
 * @param frames each a u16 length and the payload, one behind the other
 */
export function askOracle(frames: Uint8Array, count: number): OracleAnswer[] {
  const run = Bun.spawnSync([join(rust.binDir, "view-oracle")], { stdin: frames, stdout: "pipe", stderr: "inherit" });
  const output = run.stdout;
  const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
  const answers: OracleAnswer[] = [];
  for (let at = 0; at < output.byteLength; at += 2 + view.getUint16(at, true)) answers.push(readAnswer(view, at + 2));
  if (run.exitCode !== 0 || answers.length !== count) {
    throw new Error(`view-oracle: ${answers.length} answers to ${count} questions, exit code ${run.exitCode}`);
  }
  return answers;
}
