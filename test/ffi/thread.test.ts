import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import { allowedCpus, nameThread, pinThread, threadCpuNanos } from "../../ffi/thread.ts";

interface Report {
  id: number;
  cpu: number;
  after: number[];
  cpuNanos: number;
  turns: number;
}

describe("a thread", () => {
  test("pins, names and measures itself alone", async () => {
    const cpusBefore = allowedCpus();
    const worker = new Worker(new URL("./thread-worker.ts", import.meta.url).href);
    try {
      const report = await new Promise<Report>((resolve, reject) => {
        worker.addEventListener("message", ({ data }) => resolve(data as Report));
        worker.addEventListener("error", ({ message }) => reject(new Error(message)));
      });
      expect(report.id).not.toBe(process.pid);
      const file = (name: string) => fs.readFileSync(`/proc/self/task/${report.id}/${name}`, "utf8");
      expect(file("comm").trim()).toBe("solana-qos");
      expect(file("status")).toMatch(new RegExp(`^Cpus_allowed_list:\\s*${report.cpu}$`, "m"));
      expect(report.after).toEqual([report.cpu]);
      expect(allowedCpus()).toEqual(cpusBefore);
      expect(report.cpuNanos).toBeGreaterThanOrEqual(20e6);
      expect(report.turns).toBeGreaterThan(0);
    } finally {
      worker.terminate();
    }
  });

  test("reads its CPU time forward, at most as fast as the clock", () => {
    const wall = process.hrtime.bigint();
    const first = threadCpuNanos();
    let last = first;
    for (let i = 0; i < 10_000; i++) {
      const now = threadCpuNanos();
      expect(now >= last).toBe(true);
      last = now;
    }
    expect(last).toBeGreaterThan(first);
    // two clocks of the kernel that may drift apart a little
    expect(last - first).toBeLessThanOrEqual(Number(process.hrtime.bigint() - wall) * 1.01 + 1e6);
  });

  test("refuses a core that is not there, and a name that the kernel would cut", () => {
    for (const cpu of [-1, 1.5, 100_000, Number.NaN]) expect(() => pinThread(cpu)).toThrow(RangeError);
    expect(() => nameThread("sixteen-bytes-xx")).toThrow(RangeError);
  });
});
