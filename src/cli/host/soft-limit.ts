// A limit of this process as the kernel writes it.

/** A soft limit; Infinity for unlimited. @param limits content of /proc/self/limits */
export function softLimit(limits: string, name: string): number | undefined {
  const line = limits.split("\n").find((one) => one.startsWith(name));
  const [soft] = line?.slice(name.length).trim().split(/\s+/) ?? [];
  return soft === undefined ? undefined : soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}
