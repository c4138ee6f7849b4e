import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { createChannel } from "../../src/channel/files.ts";
import { findLayout } from "../../src/channel/found-layout.ts";
import { trustOf } from "../../src/channel/owners.ts";
import { channelFileBytes, channelPath } from "../../src/channel/place.ts";
import { CHANNELS, capacityOf, elementBytes, hasPackets } from "../../src/shape/channels.ts";
import { PACKET_LAYOUT_NAMES, type PacketLayout } from "../../src/shape/packet-layouts.ts";
import { freshPrefix, removeChannels } from "../tools/test-channels.ts";

afterAll(removeChannels);

const shapeOf = (spec: (typeof CHANNELS)[number], layout: PacketLayout) => ({
  capacity: capacityOf(spec, layout),
  elementBytes: elementBytes(spec, layout),
});

function make(prefix: string, name: string, layout: PacketLayout): string {
  const spec = CHANNELS.find((one) => one.name === name) ?? CHANNELS[0];
  const path = channelPath({ pages: "standard", prefix }, name);
  expect(createChannel(path, shapeOf(spec, layout)).state).toBe("created");
  return path;
}

const placeOf = (prefix: string) => ({ pages: "standard", prefix }) as const;

describe("the layout of the channels that are there", () => {
  test("differs from every other one in the size of a file, on pages of both kinds", () => {
    for (const pages of ["standard", "huge"] as const) {
      for (const spec of CHANNELS.filter(hasPackets)) {
        const sizes = PACKET_LAYOUT_NAMES.map((layout) => channelFileBytes(shapeOf(spec, layout), pages));
        expect(new Set(sizes).size, `${spec.name} on ${pages} pages`).toBe(PACKET_LAYOUT_NAMES.length);
      }
    }
  });

  test.each(PACKET_LAYOUT_NAMES)("is said by any one that carries packets: %s", (layout) => {
    for (const { name } of CHANNELS.filter(hasPackets)) {
      const prefix = freshPrefix();
      make(prefix, name, layout);
      expect(findLayout(placeOf(prefix))).toEqual({ state: "found", layout, names: [name] });
    }
  });

  test("is not said by channels of outcomes and signatures, by nothing, or before a producer has begun", () => {
    const prefix = freshPrefix();
    expect(findLayout(placeOf(prefix))).toEqual({ state: "none", problem: undefined });
    make(prefix, "sch_to_qos", "large");
    make(prefix, "tx_status_cache", "agave2");
    fs.writeFileSync(channelPath(placeOf(prefix), "tpu_to_qos"), "");
    expect(findLayout(placeOf(prefix))).toEqual({ state: "none", problem: undefined });
  });

  test("of several layouts is refused with each named, and the channels that have it", () => {
    const prefix = freshPrefix();
    make(prefix, "tpu_to_qos", "agave4");
    make(prefix, "sig_to_qos", "agave4");
    make(prefix, "qos_to_sig", "large");
    const found = findLayout(placeOf(prefix));
    if (found.state !== "mixed") throw new Error(found.state);
    expect(found.message).toContain(
      `agave4 (${prefix}tpu_to_qos, ${prefix}sig_to_qos) and large (${prefix}qos_to_sig)`,
    );
    expect(found.message).toContain("qos init --force --packet-layout LAYOUT");
  });

  test("is not guessed of a file that is no channel of any layout, and the file says why", () => {
    const prefix = freshPrefix();
    const path = make(prefix, "fwd_to_qos", "large");
    fs.truncateSync(path, 4_096);
    expect(findLayout(placeOf(prefix))).toEqual({ state: "none", problem: expect.stringContaining(path) });
    fs.writeFileSync(path, "x".repeat(5_000));
    expect(findLayout(placeOf(prefix))).toEqual({ state: "none", problem: expect.stringContaining("magic") });
    fs.unlinkSync(path);
    fs.mkdirSync(path);
    expect(findLayout(placeOf(prefix))).toEqual({ state: "none", problem: expect.stringContaining("folder") });
    make(prefix, "tpu_to_qos", "agave2");
    expect(findLayout(placeOf(prefix))).toMatchObject({ state: "found", layout: "agave2" });
  });

  test("is not taken from a stranger's file", () => {
    const prefix = freshPrefix();
    const path = make(prefix, "tpu_to_qos", "agave4");
    fs.chmodSync(path, 0o666);
    expect(findLayout(placeOf(prefix), trustOf())).toEqual({
      state: "none",
      problem: expect.stringContaining("can be written to by every user"),
    });
    fs.chmodSync(path, 0o600);
    expect(findLayout(placeOf(prefix), trustOf())).toMatchObject({ state: "found", layout: "agave4" });
  });
});
