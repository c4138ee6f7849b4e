// Small worlds for the simulator's tests.

import { plainEngine } from "../../src/engine/plain.ts";
import { IpSigner } from "../../src/rank/reference/ip-signer.ts";
import { smallCapacities } from "../../src/shape/channels.ts";
import type { PacketLayout } from "../../src/shape/packet-layouts.ts";
import { Packets } from "../../src/simulator/packet-maker.ts";
import { parseScenario, type Scenario } from "../../src/simulator/scenario.ts";
import { type Source, scenarioSource } from "../../src/simulator/source.ts";
import type { Truth } from "../../src/simulator/trace.ts";
import { GOOD_SIGNATURE, HONEST, LANDS, PARSABLE, Trace } from "../../src/simulator/trace.ts";

/** A scenario of given groups, each a TOML table's lines. */
export function scenario(durationSeconds: number, groups: readonly string[], head = ""): Scenario {
  const senders = groups.map((lines) => `[[senders]]\n${lines}`).join("\n");
  return parseScenario(
    `name = "test"\ntitle = "test"\ndurationSeconds = ${durationSeconds}\n${head}\n${senders}`,
    "test",
  );
}

/** All traffic of a scenario, with nobody behind it. */
export function played(one: Scenario, seed = 1n, sign = false): Source {
  const source = scenarioSource(one, seed, sign);
  source.sending.advance(source.durationMs, () => {});
  return source;
}

const NOTHING: Truth = {
  traits: HONEST | GOOD_SIGNATURE | LANDS | PARSABLE,
  group: 0,
  address: 1,
  port: 1_000,
  payer: 0,
  identity: 0,
  nonce: 0,
  askedUnits: 1_000,
  price: 0,
  feeLamports: 5_000,
  usedUnits: 1_000,
  executionNanos: 10_000,
  signatureOf: 0,
};

/** A trace of hand-made transactions, one packet each. */
export function traceOf(rows: readonly (Partial<Truth> & { readonly ms?: number })[]): Trace {
  const trace = new Trace();
  for (const { ms = 0, ...truth } of rows) {
    const id = trace.addTransaction({ ...NOTHING, ...truth }, ms);
    trace.addPacket(id, trace.address[id], trace.group[id], ms);
  }
  return trace;
}

export const usualModel = (...args: ConstructorParameters<typeof IpSigner>): IpSigner => new IpSigner(...args);

/** An engine's memory and kernel to read packets with. */
export function readingEngine(packetLayout: PacketLayout = "agave2") {
  return plainEngine({
    layout: {
      packetLayout,
      maxIps: 4,
      maxSigners: 4,
      partialMetas: 16,
      recentSignatures: 16,
      queueCapacity: 16,
      channelCapacities: smallCapacities(16),
    },
    context: { xxhashSeed: 420n, secret: new Uint8Array(32), feeModel: "chain", ipv6: "64" },
    engine: { targetPps: 1_000, maxAgeMs: 1_000 },
    model: usualModel,
    scratchBytes: 4_096,
  });
}

export function packetsOf(source: Source, layout: PacketLayout = "agave2"): Packets {
  return new Packets(source.trace, source.maker, layout);
}
