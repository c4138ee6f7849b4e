// A transaction that left the queue unsent is not "seen before": a client's retry, half a second to five seconds later, is
// let in as long as there is room (agave#13510: a dedup that remembers what it dropped drops the retry as well).

import { describe, expect, test } from "bun:test";
import { Evidence } from "../../src/rank/evidence/evidence.ts";
import { IpSigner } from "../../src/rank/reference/ip-signer.ts";
import { IpSignerStake } from "../../src/rank/reference/ip-signer-stake.ts";
import { OUTPUT_CHANNEL } from "../../src/shape/channels.ts";
import type { EndName } from "../../src/shape/ends.ts";
import { corpus, type Rig, type RigOptions, rig, salted } from "./rig.ts";

const MODELS: Readonly<Record<string, RigOptions["model"]>> = {
  evidence: (arena, layout) => new Evidence(arena, layout),
  "ip-signer": (arena, layout) => new IpSigner(arena, layout),
  "ip-signer-stake": (arena, layout) => new IpSignerStake(arena, layout),
};
const RETRY_MS = [500, 1_000, 2_000, 5_000];
const HELD = 63;
const ABSENT = 3;
const BACK = 1;

const signatureOf = (packet: Uint8Array): string => packet.subarray(1, 65).toHex();

function paused(model: RigOptions["model"], maxAgeMs = 60_000): Rig {
  const one = rig({ layout: { queueCapacity: HELD + 1 }, maxAgeMs, ...(model === undefined ? {} : { model }) });
  one.engine.mailbox.setPaused(true);
  return one;
}

describe.each(Object.keys(MODELS))("with %s", (name) => {
  test("what was pushed out is sent when it comes again", () => {
    const one = paused(MODELS[name]);
    const packets = Array.from({ length: HELD * 3 }, (_, n) => salted(corpus[n % corpus.length], n));
    for (const payload of packets) one.send(0, { payload });
    one.settle(0);
    expect(one.count("leakedPriority")).toBe(packets.length - HELD);
    one.engine.mailbox.setPaused(false);
    const sent = new Set<string>();
    const take = (): void => {
      for (const packet of one.received()) sent.add(signatureOf(packet));
    };
    one.settle(100);
    take();
    // Each client sends again what it has no answer for, as much as the queue takes at a time.
    for (let round = 0; sent.size < packets.length && round < 20; round++) {
      const waiting = packets.filter((payload) => !sent.has(signatureOf(payload))).slice(0, HELD);
      const now = 200 + 5_000 * round + RETRY_MS[round % RETRY_MS.length];
      for (const payload of waiting) one.send(0, { payload });
      for (let later = 0; later < 500; later += 100) one.settle(now + later);
      take();
    }
    expect(sent.size).toBe(packets.length);
    const { total, accounted } = one.law(200_000);
    expect(total).toBe(accounted);
    // What went out is remembered: a further retry is a duplicate, or a copy of what was sent.
    const before = one.count("bankingTransmissions");
    for (const payload of packets.slice(0, HELD)) one.send(0, { payload });
    one.settle(201_000);
    expect(one.count("bankingTransmissions")).toBe(before);
  });

  test("what expired while nothing was sent on is sent when it comes again", () => {
    const one = paused(MODELS[name], 1_000);
    one.sendUnique(0, 1);
    one.settle(0);
    one.sendUnique(0, 1);
    one.settle(500);
    expect([one.count("duplicatePackets"), one.count("expired")]).toEqual([1, 0]); // it still waits
    one.settle(1_100);
    expect(one.count("expired")).toBe(1);
    one.sendUnique(0, 1);
    one.settle(1_500);
    one.engine.mailbox.setPaused(false);
    one.settle(1_600);
    expect(one.received().length).toBe(1);
    expect(one.count("duplicatePackets")).toBe(1);
  });

  test("what expired on its way out is sent when it comes again", () => {
    const one = rig({ maxAgeMs: 350, ...(MODELS[name] === undefined ? {} : { model: MODELS[name] }) });
    const { mailbox } = one.engine;
    mailbox.setChannelState(OUTPUT_CHANNEL, ABSENT);
    one.settle(0);
    one.sendUnique(0, 1);
    one.settle(0);
    one.settle(300); // the queue is looked at for age: not yet
    mailbox.setChannelState(OUTPUT_CHANNEL, BACK);
    one.settle(360); // between two looks: its age is found at the transmit
    const ends = (["expired", "bankingTransmissions"] satisfies EndName[]).map((end) => one.count(end));
    expect(ends).toEqual([1, 0]);
    expect(one.received().length).toBe(0);
    one.sendUnique(0, 1);
    one.settle(860);
    expect([one.count("duplicatePackets"), one.received().length]).toEqual([0, 1]);
  });
});
