import { expect, test } from "bun:test";
import { LoopThread } from "../../../src/sidecar/threads/loop-thread.ts";
import { settingsFor } from "../parts.ts";

test("a loop that cannot be built says why it ended", async () => {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
  const layout = { packetLayout: "agave2" as const, maxIps: 10, maxSigners: 10 };
  const settings = settingsFor("--model", "ip-signer", "--idle", "backoff");
  const thread = new LoopThread();
  thread.prepare({ memory, layout, settings });
  thread.build();
  const end = await thread.ended;
  expect(end.state).toBe("died");
  expect(end.state === "died" ? end.reason : "").not.toBe("");
});
