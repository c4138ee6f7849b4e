// Compiles the kernel (kernel.as.ts and its imports) to kernel.wasm, if a source is newer. The module imports its memory,
// shared, and has no data segment. That is checked here, because every thread that instantiates the module would write a data
// segment into the arena.

import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { reasonCodesSource } from "../shape/ends.ts";

const KERNEL_FOLDER = dirname(fileURLToPath(import.meta.url));
const ROOT = join(KERNEL_FOLDER, "..", "..");
const SOURCES = ["shape", "kernel"].map((folder) => join(KERNEL_FOLDER, "..", folder));
const REASON_CODES = join(KERNEL_FOLDER, "..", "shape", "reason-codes.ts");
const WASM = join(KERNEL_FOLDER, "kernel.wasm");
const ASC = join(ROOT, "node_modules", "assemblyscript", "bin", "asc.js");

const OPTIONS = [
  "--outFile",
  "",
  "--runtime",
  "stub",
  "--importMemory",
  "--sharedMemory",
  "--maximumMemory",
  "65536",
  "--enable",
  "threads",
  "--enable",
  "simd",
  "--noAssert",
  "--optimizeLevel",
  "3",
  "--shrinkLevel",
  "0",
  "--converge",
];

/** The newest change of any source that the module can depend on. */
function newestSourceMs(): number {
  let newest = 0;
  for (const folder of SOURCES) {
    for (const name of readdirSync(folder)) {
      if (name.endsWith(".ts")) newest = Math.max(newest, statSync(join(folder, name)).mtimeMs);
    }
  }
  return newest;
}

/** Writes the reasons' codes from the table of ends (shape/ends.ts), if they differ. */
function writeReasonCodes(): void {
  const source = reasonCodesSource();
  if (!existsSync(REASON_CODES) || readFileSync(REASON_CODES, "utf8") !== source) writeFileSync(REASON_CODES, source);
}

/**
 * Makes sure that kernel.wasm is newer than its sources.
 * @param force compile in any case
 * @returns whether it was compiled
 * @throws Error with the compiler's output
 */
export async function buildKernel(force = false): Promise<boolean> {
  writeReasonCodes();
  const built = statSync(WASM, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (!force && built > newestSourceMs()) return false;
  await compileModule("src/kernel/kernel.as.ts", WASM);
  return true;
}

/**
 * Compiles a module the way the kernel is.
 * @param entry the source, seen from the project's folder
 * @param out the module's file
 * @throws Error with the compiler's output
 */
export async function compileModule(entry: string, out: string): Promise<void> {
  // A name of its own for each process: two builds at once each put a whole file in place.
  const fresh = `${out}.${process.pid}`;
  try {
    const options = OPTIONS.map((option) => (option === "" ? relative(ROOT, fresh) : option));
    // A process of its own: the compiler's types, imported here, would replace the global ones of the whole project.
    const asc = Bun.spawn([process.execPath, ASC, entry, "--baseDir", ROOT, ...options], {
      cwd: ROOT,
      stdout: "ignore",
      stderr: "pipe",
    });
    const [messages, exitCode] = await Promise.all([asc.stderr.text(), asc.exited]);
    if (exitCode !== 0) throw new Error(`${entry} does not compile:\n${messages}`);
    const data = dataSegments(readFileSync(fresh));
    if (data > 0) throw new Error(`${entry} has ${data} data segments; it must have none`);
    renameSync(fresh, out);
  } finally {
    rmSync(fresh, { force: true });
  }
}

const SECTIONS_AT = 8;
const DATA_SECTION = 11;

/** Data segments of a WebAssembly module. */
export function dataSegments(module: Uint8Array): number {
  let at = SECTIONS_AT;
  const read = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = module[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < module.length) {
    const section = module[at++];
    const bytes = read();
    if (section === DATA_SECTION) return read();
    at += bytes;
  }
  return 0;
}

if (import.meta.main) {
  console.log((await buildKernel(process.argv.includes("--force"))) ? "kernel.wasm built" : "kernel.wasm is fresh");
}
