// `--metrics ADDRESS:PORT`: a small HTTP server on the main thread. Where it cannot listen (the port is taken), that is said
// once and tried again every while: the sidecar runs all the same.

import { messageOf } from "../../failure.ts";
import { METRICS_TYPE } from "../../observe/metrics.ts";
import type { MetricsAddress } from "../../settings/metrics-address.ts";
import type { Log } from "../process/log.ts";

const RETRY_MS = 10_000;

export interface MetricsPages {
  readonly metrics: () => string;
  /** Why it is not healthy; undefined where it is. */
  readonly unhealthy: () => string | undefined;
  readonly unready: () => string | undefined;
}

export class MetricsServer {
  #server: ReturnType<typeof Bun.serve> | undefined;
  #said = "";
  #timer: Timer | undefined;

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
        fetch: (request) => this.#answer(request),
      });
      log.info(`metrics at http://${this.#shown()}/metrics`, { port: this.port ?? 0 });
    } catch (error) {
      log.faults.count("metricsFailures");
      const message = `metrics cannot be had at ${hostname}:${port}: ${messageOf(error)}`;
      if (message !== this.#said) log.warn(`${message}; trying again`);
      this.#said = message;
      this.#timer = setTimeout(() => this.open(), this.retryMs);
    }
  }

  /** The port it listens on; undefined where it does not. */
  get port(): number | undefined {
    return this.#server?.port;
  }

  close(): void {
    clearTimeout(this.#timer);
    void this.#server?.stop(true);
    this.#server = undefined;
  }

  #shown(): string {
    const { hostname } = this.address;
    return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${this.port}`;
  }

  #answer(request: Request): Response {
    if (request.method !== "GET" && request.method !== "HEAD") return new Response("GET only\n", { status: 405 });
    switch (new URL(request.url).pathname) {
      case "/metrics":
        return new Response(this.pages.metrics(), { headers: { "content-type": METRICS_TYPE } });
      case "/healthz":
        return health(this.pages.unhealthy());
      case "/readyz":
        return health(this.pages.unready());
      default:
        return new Response("/metrics, /healthz, /readyz\n", { status: 404 });
    }
  }
}

function health(problem: string | undefined): Response {
  return problem === undefined ? new Response("ok\n") : new Response(`${problem}\n`, { status: 503 });
}
