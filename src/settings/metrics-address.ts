// Where metrics are served: the address and port of `--metrics`.

export interface MetricsAddress {
  readonly hostname: string;
  readonly port: number;
}

/** Addresses of this host alone. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** @returns undefined for what is no `ADDRESS:PORT` (`[::1]:9100` for IPv6) */
export function parseMetricsAddress(text: string): MetricsAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{1,253})):(\d{1,5})$/.exec(text);
  const hostname = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return hostname === undefined || port > 65_535 ? undefined : { hostname, port };
}
