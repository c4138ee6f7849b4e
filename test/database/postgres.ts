// A real PostgreSQL server for tests: of Debian's package, in a folder of its own, on a loopback port, as an unprivileged
// user (initdb refuses root). Stopped by its process' number.

import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

const PACKAGES = "/usr/lib/postgresql";
const SERVER_USER = "postgres";
const READY_MS = 30_000;

/** The server's programs, newest version first; undefined if they are not installed. */
function programs(): string | undefined {
  if (!existsSync(PACKAGES)) return undefined;
  const versions = readdirSync(PACKAGES).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(PACKAGES, version, "bin")).find((bin) => existsSync(join(bin, "initdb")));
}

/** Why no server can be started here; undefined if one can. CI has one, so nothing is skipped there. */
export const noPostgres: string | undefined =
  programs() === undefined && process.env.CI === undefined ? "PostgreSQL is not installed (.ci/setup does)" : undefined;

async function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as { port: number };
    server.close(() => resolve(port));
  });
  return promise;
}

export class Postgres {
  #server: Bun.Subprocess | undefined;

  private constructor(
    private readonly bin: string,
    private readonly folder: string,
    readonly port: number,
  ) {}

  /** @throws Error if the server does not come up */
  static async start(): Promise<Postgres> {
    const bin = programs();
    if (bin === undefined) throw new Error("PostgreSQL is not installed");
    const folder = mkdtempSync("/tmp/qos-pg-");
    const postgres = new Postgres(bin, folder, await freePort());
    if (process.getuid?.() === 0) {
      const [uid, gid] = ["-u", "-g"].map((flag) => Number(Bun.spawnSync(["id", flag, SERVER_USER]).stdout.toString()));
      chownSync(folder, uid!, gid!);
    }
    const made = Bun.spawnSync(
      postgres.#asServerUser("initdb", "-D", `${folder}/data`, "-U", "qos", "-A", "scram-sha-256", "--no-sync", [
        "--pwfile=/dev/stdin",
      ]),
      { stdin: Buffer.from(`${PASSWORD}\n`), stdout: "ignore", stderr: "pipe", cwd: "/tmp" },
    );
    if (made.exitCode !== 0) throw new Error(`initdb: ${made.stderr.toString()}`);
    await postgres.resume();
    return postgres;
  }

  /** The address of one of its databases, password and all. */
  url(database = "postgres", password: string = PASSWORD): string {
    return `postgres://qos:${password}@127.0.0.1:${this.port}/${database}`;
  }

  /** A fresh, empty database. */
  async database(): Promise<string> {
    made += 1;
    const name = `qos_test_${made}`;
    await this.query(`CREATE DATABASE ${name}`);
    return this.url(name);
  }

  async query(text: string, url: string = this.url()): Promise<Record<string, unknown>[]> {
    const sql = new Bun.SQL({ url, max: 1 });
    try {
      return await sql.unsafe(text);
    } finally {
      await sql.close();
    }
  }

  /** Starts the server, over what it had before. */
  async resume(): Promise<void> {
    const options = {
      listen_addresses: "127.0.0.1",
      unix_socket_directories: this.folder,
      fsync: "off",
      max_connections: "50",
      // Nothing of it in /dev/shm, where our channels are looked after.
      dynamic_shared_memory_type: "mmap",
    };
    const settings = Object.entries(options).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    this.#server = Bun.spawn(
      this.#asServerUser("postgres", "-D", `${this.folder}/data`, "-p", String(this.port), settings),
      { stdin: "ignore", stdout: "ignore", stderr: "ignore", cwd: "/tmp" },
    );
    const until = performance.now() + READY_MS;
    for (;;) {
      try {
        await this.query("SELECT 1");
        return;
      } catch (error) {
        if (performance.now() > until || this.#server.exitCode !== null) throw error;
        await Bun.sleep(20);
      }
    }
  }

  /** Ends the server: at once, as a power cut would (SIGKILL, its children see it), or in order (SIGINT). */
  async end(signal: "SIGKILL" | "SIGINT" = "SIGINT"): Promise<void> {
    this.#server?.kill(signal);
    await this.#server?.exited;
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    // The postmaster's children answer for the connections.
    const children = Bun.spawnSync(["ps", "-o", "pid=", "--ppid", String(this.#server?.pid)]).stdout.toString();
    for (const pid of [...children.split("\n").map(Number).filter(Boolean), this.#server?.pid ?? 0]) {
      if (pid > 1) process.kill(pid, signal);
    }
  }

  async remove(): Promise<void> {
    await this.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #asServerUser(program: string, ...words: (string | string[])[]): string[] {
    const command = [join(this.bin, program), ...words.flat()];
    if (process.getuid?.() !== 0) return command;
    return ["setpriv", `--reuid=${SERVER_USER}`, `--regid=${SERVER_USER}`, "--init-groups", ...command];
  }
}

export const PASSWORD = "s3cret-of-tests";
let made = 0;
