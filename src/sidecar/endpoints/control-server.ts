// The control socket, `<prefix>qos_control` in /dev/shm or where `--control` says: a unix socket that its owner alone may
// connect to, lines of JSON in both directions. Whatever is sent to it, the sidecar goes on: lines have an end, connections
// a number, answers no queue.

import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import type { Socket, UnixSocketListener } from "bun";
import { sharedPath } from "../../channel/place.ts";
import { messageOf } from "../../failure.ts";

import type { Log } from "../process/log.ts";
import { answer, type ControlParts } from "./control.ts";

const LINE_MAX_BYTES = 4_096;
const MOST_CONNECTIONS = 32;
/** sockaddr_un's path, with its NUL. */
const PATH_MAX_BYTES = 107;

/** Where the socket of a prefix is, unless another place is named. */
export function controlPath(prefix: string): string {
  return sharedPath(`${prefix}qos_control`);
}

interface Connection {
  line: Buffer;
  /** Requests of one connection are answered one after the other. */
  turn: Promise<void>;
  waiting: number;
}

export class ControlServer {
  /** Requests answered. */
  requests = 0;
  #listener: UnixSocketListener<Connection> | undefined;
  #connections = 0;

  constructor(
    private readonly path: string,
    private readonly parts: ControlParts,
    private readonly log: Log,
  ) {}

  /** Listens; where it cannot, that is said, and the sidecar goes on without. */
  async open(): Promise<void> {
    try {
      if (Buffer.byteLength(this.path) > PATH_MAX_BYTES) throw new Error("the path is too long for a socket");
      await removeStaleSocket(this.path);
      const before = process.umask(0o177); // never, not for a moment, anybody else's
      try {
        this.#listener = this.#listen();
      } finally {
        process.umask(before);
      }
      chmodSync(this.path, 0o600);
    } catch (error) {
      this.log.warn(`no control socket at ${this.path}: ${messageOf(error)}`);
    }
  }

  close(): void {
    if (this.#listener === undefined) return;
    this.#listener.stop(true);
    this.#listener = undefined;
    try {
      unlinkSync(this.path);
    } catch {
      // Bun removes it itself, or somebody did.
    }
  }

  #listen(): UnixSocketListener<Connection> {
    return Bun.listen<Connection>({
      unix: this.path,
      socket: {
        open: (socket) => {
          socket.data = { line: Buffer.alloc(0), turn: Promise.resolve(), waiting: 0 };
          this.#connections += 1;
          if (this.#connections > MOST_CONNECTIONS) this.#refuse(socket, "too many connections");
        },
        data: (socket, bytes) => this.#take(socket, bytes),
        close: () => {
          this.#connections -= 1;
        },
        error: () => undefined,
      },
    });
  }

  #refuse(socket: Socket<Connection>, why: string): void {
    this.log.faults.count("controlRefusals");
    socket.end(`${JSON.stringify({ ok: false, error: why })}\n`);
  }

  #take(socket: Socket<Connection>, bytes: Buffer): void {
    const connection = socket.data;
    let rest = Buffer.concat([connection.line, bytes]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.subarray(0, end).toString("utf8").trim();
      rest = rest.subarray(end + 1);
      if (line === "") continue;
      connection.waiting += 1;
      connection.turn = connection.turn.then(() => this.#reply(socket, line));
    }
    if (rest.length > LINE_MAX_BYTES || connection.waiting > LINE_MAX_BYTES) {
      this.#refuse(socket, "a request has at most 4096 bytes");
      rest = Buffer.alloc(0);
    }
    connection.line = rest;
  }

  async #reply(socket: Socket<Connection>, line: string): Promise<void> {
    let reply: string;
    try {
      const given = line.length > LINE_MAX_BYTES ? { ok: false, error: "too long" } : await answer(line, this.parts);
      this.requests += 1;
      if (!given.ok) this.log.faults.count("controlRefusals");
      reply = JSON.stringify(given);
    } catch (error) {
      this.log.faults.count("controlRefusals");
      reply = JSON.stringify({ ok: false, error: messageOf(error) });
    }
    socket.data.waiting -= 1;
    // What a reader does not take, it does not get: no answer waits for long.
    if (socket.write(`${reply}\n`) < Buffer.byteLength(reply) + 1) socket.end();
  }
}

/** A socket that a killed sidecar left behind. @throws Error where a living one listens, or it is no socket */
async function removeStaleSocket(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) throw new Error("something that is no socket is there");
  const living = await new Promise<boolean>((resolve) => {
    Bun.connect({
      unix: path,
      socket: {
        open: (socket) => {
          resolve(true);
          socket.end();
        },
        data: () => undefined,
        connectError: () => resolve(false),
      },
    }).catch(() => resolve(false));
  });
  if (living) throw new Error("another sidecar listens there");
  unlinkSync(path);
}
