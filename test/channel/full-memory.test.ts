import { describe, expect, test } from "bun:test";

/** A mount namespace of one's own needs root, and a kernel that lets root have one. */
const unshare = Bun.which("unshare");
const canMount =
  unshare !== null && Bun.spawnSync([unshare, "-m", "mount", "-t", "tmpfs", "none", "/dev/shm"]).exitCode === 0;

// only root can mount a small /dev/shm for one process
describe.skipIf(!canMount)("a full /dev/shm (needs root and unshare)", () => {
  test("is a sentence at creation and at the join, never a SIGBUS, and leaves nothing behind", async () => {
    const script = `mount -t tmpfs -o size=1M none /dev/shm && exec "$0" "$1"`;
    const child = Bun.spawn(
      [unshare as string, "-m", "sh", "-c", script, process.execPath, `${import.meta.dir}/full-memory-child.ts`],
      { stdout: "pipe", stderr: "inherit" },
    );
    const text = await new Response(child.stdout).text();
    expect(await child.exited).toBe(0);
    const said = JSON.parse(text);
    expect(said.joined).toMatchObject({ state: "refused", kind: "memory" });
    expect(said.joined.message).toContain("/dev/shm");
    expect(said.completed).toMatchObject({ state: "refused", kind: "memory" });
    expect(said.bytesAfter).toBe(0);
    expect(said.created).toMatchObject({ state: "refused", kind: "pages" });
    expect(said.created.message).toMatch(/2 MiB are needed in \/dev\/shm and 1 MiB are free; .*remount,size=2M/);
    expect(said.init).toMatch(/^no channel was created: 302 MiB are needed in \/dev\/shm and 1 MiB are free/);
    expect(said.left).toEqual([]);
  });
});
