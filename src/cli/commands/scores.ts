// `qos scores export|import FILE`: a checkpoint of `--state` as text, and text as a checkpoint.

import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Failure, messageOf } from "../../failure.ts";
import { EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { choice, onOff } from "../../settings/flags.ts";
import { nearest } from "../../settings/nearest.ts";
import { RUN_FLAGS } from "../../settings/run-flags.ts";
import { replaceFile, targetKind } from "../../sidecar/files/atomic-file.ts";
import { type FileLock, lockFile } from "../../sidecar/files/file-lock.ts";
import { CHECKPOINT_MAX_BYTES, decodeCheckpoint, encodeCheckpoint } from "../../sidecar/scores/checkpoint.ts";
import { jsonLines, readScores, referenceLines, SCORES_TEXT_MAX_BYTES } from "../../sidecar/scores/scores-text.ts";
import { command } from "../command.ts";
import type { Output } from "../output.ts";

const FORMS = ["jsonl", "reference"] as const;
const FILE_MODE = 0o600;

function readWhole(path: string, mostBytes: number): Buffer {
  try {
    const { size } = statSync(path);
    if (size > mostBytes) throw new Error(`it has ${size} bytes, and ${mostBytes} are the most`);
    return readFileSync(path);
  } catch (error) {
    throw new Failure(`${path} cannot be read: ${messageOf(error)}`);
  }
}

function exportScores(path: string, model: string, form: (typeof FORMS)[number], out: Output): number {
  const decoded = decodeCheckpoint(readWhole(path, CHECKPOINT_MAX_BYTES), model);
  if (decoded.state === "bad") throw new Failure(`${path} cannot be used: ${decoded.reason}`);
  for (const line of form === "jsonl" ? jsonLines(decoded.scores) : referenceLines(decoded.scores)) {
    if (out.closed()) break;
    out.line(line);
  }
  return EXIT_FINE;
}

async function importScores(
  path: string,
  state: string,
  options: { readonly model: string; readonly reversed: boolean; readonly force: boolean },
  out: Output,
): Promise<number> {
  const lock = lockState(state, options.force);
  try {
    return await importLocked(path, state, options, out);
  } finally {
    lock.release();
  }
}

/** @throws Failure if a sidecar uses the checkpoint, or one is there already and is not to be replaced */
function lockState(state: string, force: boolean): FileLock {
  try {
    const kind = targetKind(state);
    if (kind === "folder" || kind === "stream") throw new Error("it is not a plain file");
    const lock = lockFile(state);
    if (!("release" in lock)) {
      const who = lock.lockedBy === undefined ? "a sidecar" : `the sidecar that runs as process ${lock.lockedBy}`;
      throw new Failure(
        `${state} is in use by ${who}, which would write over the import within a minute: stop it first (qos ctl checkpoint ` +
          "has it save what it has learned)",
      );
    }
    if (kind === "absent" || force) return lock;
    lock.release();
    throw new Failure(
      `${state} is there already: --force replaces it (qos scores export --state ${state} keeps a copy)`,
    );
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(`${state} cannot be written: ${messageOf(error)}`);
  }
}

/** For root: the file must be readable by the sidecar's user, which is the owner of the file or else of its folder. */
function ownerOf(state: string): { uid: number; gid: number } | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const { uid, gid } = statSync(targetKind(state) === "file" ? state : dirname(resolve(state)));
  return { uid, gid };
}

async function importLocked(
  path: string,
  state: string,
  options: { readonly model: string; readonly reversed: boolean },
  out: Output,
): Promise<number> {
  const text = readWhole(path, SCORES_TEXT_MAX_BYTES).toString("utf8");
  const { saved, problems, problemCount } = readScores(text, options);
  for (const problem of problems) out.note(`${path}, ${problem}`);
  if (problemCount > problems.length) out.note(`${path}: ${problemCount - problems.length} more lines are wrong`);
  if (saved.model !== options.model) {
    throw new Failure(
      `${path} holds scores of the model ${saved.model}; add --model ${saved.model} to take them as they are`,
    );
  }
  const [ips, payers] = saved.tables.map(({ scores }) => scores.length);
  if (ips + payers === 0) throw new Failure(`${path} holds no scores; ${state} stays as it is`);
  try {
    const owner = ownerOf(state);
    const kept = owner === undefined ? {} : { owner };
    await replaceFile(state, encodeCheckpoint(saved), { mode: FILE_MODE, durable: true, ...kept });
  } catch (error) {
    throw new Failure(`${state} cannot be written: ${messageOf(error)}`);
  }
  out.line(`${ips} addresses and ${payers} fee payers are in ${state}, for the model ${saved.model}`);
  return EXIT_FINE;
}

export default command({
  name: "scores",
  summary: "turns a checkpoint of scores into text, and back",
  about:
    "`export` prints the scores in a checkpoint (--state of qos run) as JSON lines, or as the older sidecar's lines " +
    "`IP SCORE`. `import` makes a checkpoint of either form; a sidecar restores it at its next start. It replaces one that is " +
    "there with --force alone, keeps the owner of the file (or of its folder), and is refused while a sidecar uses it. A " +
    "running sidecar writes its checkpoint when qos ctl checkpoint says so.",
  flags: {
    config: RUN_FLAGS.config,
    model: RUN_FLAGS.model,
    state: RUN_FLAGS.state,
    form: choice(FORMS, { help: "of the export", fallback: "jsonl" }),
    force: onOff({ help: "of the import: replace a checkpoint that is there already" }),
    reversed: onOff({
      help: "the file is the older sidecar's own, whose addresses have their octets the other way round",
    }),
  },
  positionals: [
    { name: "export|import", help: "what to do", required: true },
    { name: "FILE", help: "of import: the text to read", required: false },
  ],
  examples: [
    { line: "qos scores export --state /var/lib/qos/scores > scores.jsonl", says: "everything as JSON lines" },
    { line: "qos scores import scores.jsonl --state /var/lib/qos/scores", says: "and back, before the sidecar starts" },
    {
      line: "qos scores import ip_scores --reversed --model ip-signer --state scores",
      says: "what the older sidecar had learned of addresses",
    },
  ],
  run: async ({ values, positionals: [action, file], out }) => {
    const { model, state, form, reversed, force } = values;
    if (action !== "export" && action !== "import") {
      const meant = nearest(action, ["export", "import"]);
      throw new UsageError(
        `unknown word "${action}"${meant === undefined ? "" : ` (did you mean ${meant}?)`}; expected export or import`,
      );
    }
    if (state === undefined) throw new UsageError("--state is missing: the checkpoint");
    if (action === "export") {
      if (file !== undefined) throw new UsageError(`unexpected "${file}"; the checkpoint to export is --state's`);
      return exportScores(state, model, form, out);
    }
    if (file === undefined) throw new UsageError("FILE is missing: the text to read");
    return await importScores(file, state, { model, reversed, force }, out);
  },
});
