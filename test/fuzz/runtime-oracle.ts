// Asks the published crates of Agave 4.2.0 what they make of payloads: limits, fees, locks (test/rust/agave/runtime-oracle).

import { join } from "node:path";
import { buildAgave } from "../rust/build.ts";

export const runtime = buildAgave();

export interface RuntimeAnswer {
  /** Whether its parser takes the payload, sanity rules and all. If it does not, the other fields mean nothing. */
  readonly taken: boolean;
  /** Whether the chain would refuse it before it charges anything: its limits or its locks. */
  readonly never: boolean;
  /** Whether the limits are refused: there are no compute units then. */
  readonly limitsRefused: boolean;
  readonly computeUnits: number;
  /** Lamports; computed before the locks are looked at. */
  readonly fee: bigint;
}

const ANSWER_BYTES = 24;

/**
 * Asks about many payloads at once.
 * @param frames each a u16 length and the payload, one behind the other
 * @throws Error if the program dies or answers too few
 */
export function askRuntime(frames: Uint8Array, count: number): RuntimeAnswer[] {
  const program = join(runtime.binDir, "runtime-oracle");
  const run = Bun.spawnSync([program], { stdin: frames, stdout: "pipe", stderr: "inherit" });
  const { buffer, byteOffset, byteLength } = run.stdout;
  if (run.exitCode !== 0 || byteLength !== count * ANSWER_BYTES) {
    throw new Error(`runtime-oracle: ${byteLength} bytes for ${count} questions, exit code ${run.exitCode}`);
  }
  const view = new DataView(buffer, byteOffset, byteLength);
  return Array.from({ length: count }, (_, i) => {
    const at = i * ANSWER_BYTES;
    const limitsRefused = view.getUint8(at + 1) !== 0;
    return {
      taken: view.getUint8(at) === 0,
      never: limitsRefused || view.getUint8(at + 2) !== 0,
      limitsRefused,
      computeUnits: view.getUint32(at + 4, true),
      fee: view.getBigUint64(at + 8, true),
    };
  });
}
