// The control socket, `<prefix>qos_control` in /dev/shm or where `--control` says: HTTP over a unix socket that its owner
// alone may connect to. A request is a POST of one JSON object, the answer another. Whatever is sent to it, the sidecar goes
// on: a request has a size, a silent connection an end (the runtime closes it after some ten seconds), a connection one
// request, and the number of requests under way has a bound.

import { lstatSync, unlinkSync } from "node:fs";
import { sharedPath } from "../../channel/place.ts";
import { messageOf } from "../../failure.ts";
import type { Log } from "../process/log.ts";
import { answer, type ControlAnswer, type ControlParts } from "./control.ts";

const REQUEST_MAX_BYTES = 4_096;
/** Requests under way at once. */
const REQUESTS_MAX = 32;
/** A checkpoint waits for a disk. */
const ANSWER_MAX_SECONDS = 60;
/** sockaddr_un's path, with its NUL. */
const PATH_MAX_BYTES = 107;
/** A predecessor that is ending gives its socket back within a second. */
const RETRY_MS = 1_000;
/** Group and others get nothing, not for a moment: the socket's mode comes from the mask alone. */
const OWNER_ONLY_MASK = 0o177;

const HTTP_OK = 200;
const HTTP_REFUSED = 400;
const HTTP_NOT_ALLOWED = 405;
const HTTP_BUSY = 503;

/** Where the socket of a prefix is, unless another place is named. */
export function controlPath(prefix: string): string {
  return sharedPath(`${prefix}qos_control`);
}

export class ControlServer {
  #server: ReturnType<typeof Bun.serve> | undefined;
  #retry: Timer | undefined;
  #said = "";
  #closed = false;

  constructor(
    private readonly path: string,
    private readonly parts: ControlParts,
    private readonly log: Log,
    private readonly retryMs: number = RETRY_MS,
  ) {}

  /** Listens. If it cannot, it says so once and tries again from time to time. The sidecar goes on without. */
  async open(): Promise<void> {
    try {
      if (Buffer.byteLength(this.path) > PATH_MAX_BYTES) throw new Error("the path is too long for a socket");
      await removeStaleSocket(this.path);
      if (this.#closed) return;
      const before = process.umask(OWNER_ONLY_MASK);
      try {
        this.#server = this.#listen();
      } finally {
        process.umask(before);
      }
      if (this.#said !== "") this.log.info(`the control socket is at ${this.path} now`);
      this.#said = "";
    } catch (error) {
      const message = `no control socket at ${this.path}: ${messageOf(error)}; trying again`;
      if (message !== this.#said) this.log.warn(message);
      this.#said = message;
      if (!this.#closed) this.#retry = setTimeout(() => void this.open(), this.retryMs);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    if (this.#server === undefined) return;
    void this.#server.stop(true);
    this.#server = undefined;
    try {
      unlinkSync(this.path);
    } catch {
      // Bun removes it itself, or somebody did.
    }
  }

  #listen(): ReturnType<typeof Bun.serve> {
    return Bun.serve({
      unix: this.path,
      maxRequestBodySize: REQUEST_MAX_BYTES,
      fetch: async (request, server) => {
        server.timeout(request, ANSWER_MAX_SECONDS);
        const [status, content] = await this.#answer(request, server.pendingRequests);
        if (!content.ok) this.log.faults.count("controlRefusals");
        // One request a connection: nobody can queue up a thousand of them.
        return Response.json(content, { status, headers: { connection: "close" } });
      },
      error: (error) => {
        this.log.faults.count("controlRefusals");
        return Response.json({ ok: false, error: messageOf(error) }, { status: HTTP_REFUSED });
      },
    });
  }

  async #answer(request: Request, pending: number): Promise<[status: number, ControlAnswer]> {
    if (request.method !== "POST") return [HTTP_NOT_ALLOWED, { ok: false, error: "POST a JSON object" }];
    if (pending > REQUESTS_MAX) return [HTTP_BUSY, { ok: false, error: "too many requests at once" }];
    try {
      const content = await answer(await request.text(), this.parts);
      return [content.ok ? HTTP_OK : HTTP_REFUSED, content];
    } catch (error) {
      return [HTTP_REFUSED, { ok: false, error: messageOf(error) }];
    }
  }
}

/** A socket that a killed sidecar left behind. @throws Error where a living one listens, or something else is there */
async function removeStaleSocket(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) throw new Error("something that is not a socket is there");
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
