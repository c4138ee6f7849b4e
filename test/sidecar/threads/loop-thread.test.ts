import { expect, test } from "bun:test";
import { takeLoopThread } from "../../../src/sidecar/threads/loop-thread.ts";

test("a loop that cannot be built says why it ended", async () => {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
  const layout = { packetLayout: "agave2" as const, maxIps: 10, maxSigners: 10 };
  const settings = {
    model: "ip-signer" as const,
    targetPps: 1_000,
    maxAgeMs: 1_000,
    votes: "score" as const,
    idle: "backoff" as const,
    cpu: undefined,
    feeModel: "chain" as const,
    ipv6: "64" as const,
  };
  const thread = takeLoopThread();
  thread.prepare({ memory, layout, settings });
  thread.build();
  const end = await thread.ended;
  expect(end.state).toBe("died");
  expect(end.state === "died" ? end.reason : "").not.toBe("");
});
