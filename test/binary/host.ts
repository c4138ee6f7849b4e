// Another host, as near as a test gets: the built binary copied to a place of its own, started in an empty folder, with an
// empty environment, as the user "nobody" where the tests run as root.

import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BUILT = join(import.meta.dir, "../../dist/qos");
const NOBODY = 65_534;

export interface Ran {
  /** null when ended by a signal. */
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

export class Host {
  readonly #root = mkdtempSync(join(tmpdir(), `qos-host-${process.pid}-`));
  readonly #isRoot = process.getuid?.() === 0;
  readonly binary = join(this.#root, "qos");

  constructor() {
    if (!existsSync(BUILT)) throw new Error("dist/qos is not built: npm run build");
    chmodSync(this.#root, 0o755);
    copyFileSync(BUILT, this.binary);
    chmodSync(this.binary, 0o755);
  }

  /** An empty folder that the user owns. */
  folder(name: string): string {
    const path = join(this.#root, name);
    mkdirSync(path);
    if (this.#isRoot) chownSync(path, NOBODY, NOBODY);
    return path;
  }

  /** The words that start a program as the user of this host. */
  asUser(...command: string[]): string[] {
    const drop = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"];
    return this.#isRoot ? [...drop, ...command] : command;
  }

  /** Runs the binary to its end; nothing of this process' environment reaches it. */
  async run(folder: string, args: readonly string[], environment: Record<string, string> = {}): Promise<Ran> {
    const child = Bun.spawn(this.asUser(this.binary, ...args), {
      cwd: folder,
      env: { PATH: "/usr/bin:/bin", ...environment },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    await child.exited;
    return { exitCode: child.signalCode === null ? child.exitCode : null, out, err };
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}
