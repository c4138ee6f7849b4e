// A shell script in a mount namespace of its own: what it mounts there, no other process sees.

const unshare = Bun.which("unshare");

/** Root, unshare, and a kernel that lets root have a mount namespace. */
export const CAN_MOUNT =
  unshare !== null &&
  process.geteuid?.() === 0 &&
  Bun.spawnSync([unshare, "-m", "mount", "-t", "tmpfs", "none", "/mnt"]).exitCode === 0;

/** @param words the script's $0, $1... */
export function inMountNamespace(script: string, ...words: string[]): { code: number; out: string; err: string } {
  const command = [unshare as string, "-m", "sh", "-c", `mount --make-rprivate / && ${script}`, ...words];
  const done = Bun.spawnSync(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: 50_000 });
  return { code: done.exitCode, out: done.stdout.toString(), err: done.stderr.toString() };
}
