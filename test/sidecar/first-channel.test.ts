import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { createChannel } from "../../src/channel/files.ts";
import { trustOf } from "../../src/channel/owners.ts";
import { channelPath } from "../../src/channel/place.ts";
import { PACKET_LAYOUTS, type PacketLayout } from "../../src/shape/packet-layouts.ts";
import { withLayout } from "../../src/sidecar/first-channel.ts";
import { freshPrefix, removeChannels } from "../tools/test-channels.ts";
import { askedFor, MemoryLog } from "./parts.ts";
import { until } from "./sidecar-process.ts";

afterAll(removeChannels);

function make(prefix: string, layout: PacketLayout, name = "tpu_to_qos"): string {
  const { bytes, capacities } = PACKET_LAYOUTS[layout];
  const path = channelPath({ pages: "standard", prefix }, name);
  createChannel(path, { capacity: capacities.packets, elementBytes: bytes });
  return path;
}

/** A start with these flags that may have to wait. */
function begin(prefix: string, ...flags: string[]) {
  const log = new MemoryLog();
  const { promise: stop, resolve: tell } = Promise.withResolvers<string>();
  const asked = askedFor("--prefix", prefix, ...flags);
  const settings = withLayout(asked, { trust: trustOf(), log, signals: { stop } });
  const waits = () => until("the wait", () => log.lines.some((line) => line.includes("waiting for the first channel")));
  return { log, tell, settings, waits };
}

describe("the packet layout of a start", () => {
  test("that is named is taken, whatever is there", async () => {
    const prefix = freshPrefix();
    make(prefix, "large");
    expect(await begin(prefix, "--packet-layout", "agave2").settings).toMatchObject({ packetLayout: "agave2" });
  });

  test.each(["agave2", "agave4", "large"] as const)("is that of the channels that are there: %s", async (layout) => {
    const prefix = freshPrefix();
    make(prefix, layout);
    const { log, settings } = begin(prefix);
    expect(await settings).toMatchObject({ packetLayout: layout, prefix });
    expect(log.lines).toEqual([`info: packet layout ${layout}, said by ${prefix}tpu_to_qos`]);
  });

  test("is waited for where no channel is there, and nothing is made meanwhile", async () => {
    const prefix = freshPrefix();
    const { settings, waits } = begin(prefix);
    await waits();
    await Bun.sleep(250);
    expect(fs.readdirSync("/dev/shm").filter((name) => name.startsWith(prefix))).toEqual([]);
    make(prefix, "agave4", "re1_to_qos");
    expect(await settings).toMatchObject({ packetLayout: "agave4" });
  });

  test("of channels of two layouts is a failure that names both, also after a wait", async () => {
    const prefix = freshPrefix();
    make(prefix, "agave2");
    make(prefix, "large", "sig_to_qos");
    expect(begin(prefix).settings).rejects.toThrow(/agave2 \(.*tpu_to_qos\) and large \(.*sig_to_qos\)/);
  });

  test("that a file does not say is warned of once in a wait; at the start the file is refused as ever", async () => {
    const prefix = freshPrefix();
    const { log, settings, waits, tell } = begin(prefix);
    await waits();
    fs.writeFileSync(channelPath({ pages: "standard", prefix }, "tpu_to_qos"), "x".repeat(5_000), { mode: 0o600 });
    await until("the warning", () => log.counts.warn === 0 && log.lines.some((line) => line.startsWith("warn")));
    await Bun.sleep(250);
    expect(log.lines.filter((line) => line.startsWith("warn"))).toEqual([expect.stringContaining("is not a channel")]);
    tell("SIGTERM");
    expect(await settings).toBeUndefined();
    expect(log.lines.at(-1)).toBe("info: stopping: SIGTERM; no channel came");
    expect(await begin(prefix).settings).toMatchObject({ packetLayout: "large" });
  });

  test("is not waited for with --no-wait, nor longer than --duration", async () => {
    const prefix = freshPrefix();
    expect(await begin(prefix, "--no-wait").settings).toMatchObject({ packetLayout: "large" });
    expect(await begin(prefix, "--duration", "150ms").settings).toBeUndefined();
    const late = begin(prefix, "--duration", "60s");
    await late.waits();
    make(prefix, "large");
    const durationMs = (await late.settings)?.durationMs ?? 0;
    expect(durationMs).toBeGreaterThan(10_000);
    expect(durationMs).toBeLessThan(60_000);
  });
});
