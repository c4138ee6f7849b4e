// `--metrics ADDRESS:PORT`: a small HTTP server on the main thread, which must bear whatever a client does: a
// connection answers one request, a page is made four times a second at most, and connections have a bound. Where the
// server cannot listen (the port is taken), that is said once and tried again every while: the sidecar runs all the same.

import { readdirSync } from "node:fs";
import { messageOf } from "../../failure.ts";
import { METRICS_TYPE } from "../../observe/metrics.ts";
import type { MetricsAddress } from "../../settings/metrics-address.ts";
import type { Log } from "../process/log.ts";

const RETRY_MS = 10_000;
/** A page is made anew at most this often: further requests get a copy of the same one. */
const PAGE_MS = 250;
/** Descriptors of this process, of which the sidecar's own work needs some fifty; more are connections that others hold. */
const DESCRIPTORS_MAX = 512;
const DESCRIPTORS_LOOK_MS = 1_000;

export interface MetricsPages {
  readonly metrics: () => string;
  /** Why it is not healthy; undefined if it is. */
  readonly unhealthy: () => string | undefined;
  readonly unready: () => string | undefined;
}

export class MetricsServer {
  #server: ReturnType<typeof Bun.serve> | undefined;
  #said = "";
  #timer: Timer | undefined;
  #look: Timer | undefined;
  #page = "";
  #pageMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly address: MetricsAddress,
    private readonly pages: MetricsPages,
    private readonly log: Log,
    private readonly retryMs: number = RETRY_MS,
  ) {}

  /** Listens, or tries again later. */
  open(): void {
    const { hostname, port } = this.address;
    const { log } = this;
    try {
      this.#server = Bun.serve({
        hostname,
        port,
        idleTimeout: 10,
        maxRequestBodySize: 0,
        fetch: (request) => {
          const response = this.#answer(request);
          // One request a connection: a thousand of them behind one another would be a thousand pages in memory.
          response.headers.set("connection", "close");
          return response;
        },
      });
      this.#look = setInterval(() => this.#shed(), DESCRIPTORS_LOOK_MS);
      log.info(`metrics at http://${this.#shown()}/metrics`, { port: this.port ?? 0 });
    } catch (error) {
      log.faults.count("metricsFailures");
      const message = `metrics cannot be had at ${hostname}:${port}: ${messageOf(error)}`;
      if (message !== this.#said) log.warn(`${message}; trying again`);
      this.#said = message;
      this.#timer = setTimeout(() => this.open(), this.retryMs);
    }
  }

  /** The port it listens on; undefined if it does not. */
  get port(): number | undefined {
    return this.#server?.port;
  }

  close(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#look);
    void this.#server?.stop(true);
    this.#server = undefined;
  }

  /** Drops all connections if they have become too many, before the sidecar runs out of descriptors for its files. */
  #shed(): void {
    if (readdirSync("/proc/self/fd").length <= DESCRIPTORS_MAX) return;
    this.log.faults.count("metricsFailures");
    this.log.warn("the metrics' port has too many connections: all of them are closed");
    this.close();
    this.open();
  }

  #metrics(): string {
    const nowMs = performance.now();
    if (nowMs - this.#pageMs >= PAGE_MS) {
      this.#page = this.pages.metrics();
      this.#pageMs = nowMs;
    }
    return this.#page;
  }

  #shown(): string {
    const { hostname } = this.address;
    return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${this.port}`;
  }

  #answer(request: Request): Response {
    if (request.method !== "GET" && request.method !== "HEAD") return new Response("GET only\n", { status: 405 });
    switch (new URL(request.url).pathname) {
      case "/":
        return new Response(START_PAGE, { headers: { "content-type": "text/html; charset=utf-8" } });
      case "/metrics":
        return new Response(this.#metrics(), { headers: { "content-type": METRICS_TYPE } });
      case "/healthz":
        return health(this.pages.unhealthy());
      case "/readyz":
        return health(this.pages.unready());
      default:
        return new Response("/metrics, /healthz, /readyz\n", { status: 404 });
    }
  }
}

/** For people who open the address in a browser. */
const START_PAGE =
  "<!doctype html><title>qos</title><h1>qos</h1><ul>" +
  '<li><a href="/metrics">/metrics</a> for Prometheus' +
  '<li><a href="/healthz">/healthz</a>: the loop turns' +
  '<li><a href="/readyz">/readyz</a>: packets come in and go out</ul>\n';

function health(problem: string | undefined): Response {
  return problem === undefined ? new Response("ok\n") : new Response(`${problem}\n`, { status: 503 });
}
