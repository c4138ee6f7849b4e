// The operator's say: denied senders never enter the queue, allowed ones rank with the median at least, votes go first
// where that is asked for; and the law holds with all of it.

import { describe, expect, test } from "bun:test";
import type { EngineSettings } from "../../src/engine/settings.ts";
import { Evidence } from "../../src/rank/evidence/evidence.ts";
import {
  LIST_ALLOW,
  LIST_DENY,
  type ListedPayer,
  type ListedPrefix,
  SenderLists,
} from "../../src/rank/lists/sender-lists.ts";
import { IpSigner } from "../../src/rank/reference/ip-signer.ts";
import { FAILED_CHANNEL, OUTCOME_CHANNEL } from "../../src/shape/channels.ts";
import { ADDRESS_AT, FLAG_SIMPLE_VOTE } from "../tools/agave-packet.ts";
import { corpus, type Rig, rig, salted } from "./rig.ts";

function listed(prefixes: readonly ListedPrefix[], settings: Partial<EngineSettings> = {}): Rig {
  const made = rig({ layout: { listEntries: 64 }, ...settings });
  offer(made, prefixes, 1);
  return made;
}

function offer(
  { parts }: Rig,
  prefixes: readonly ListedPrefix[],
  table: 1 | 2,
  payers: readonly ListedPayer[] = [],
): void {
  const { tablesAt, slotCount } = parts.layout.lists!;
  SenderLists.build(prefixes, payers, { buffer: parts.arena.buffer, at: tablesAt[table - 1], slotCount });
  parts.engine.mailbox.lists.offer(table);
}

const prefixOf = (text: string, bits: number, verdict: number): ListedPrefix => ({
  octets: Uint8Array.from(text.split("."), Number),
  bits,
  verdict,
});

/** First octets of the packets' senders in the order in which they went out. */
const sendersOut = (made: Rig): number[] => made.received().map((packet) => packet[ADDRESS_AT]);

describe("lists", () => {
  test("denied is counted and never queued; who is no longer listed is taken again", () => {
    const made = listed([prefixOf("66.0.0.0", 8, LIST_DENY)]);
    for (let n = 0; n < 8; n++) made.sendUnique(0, n, [n % 2 === 0 ? 66 : 10, 0, 0, n]);
    made.settle(1_000);
    expect(made.count("denied")).toBe(4);
    expect(sendersOut(made)).toEqual([10, 10, 10, 10]);
    expect(made.count("bankingTransmissions")).toBe(4);
    const { total, accounted } = made.law(1_000);
    expect(total).toBe(8);
    expect(accounted).toBe(8);

    expect(made.engine.mailbox.lists).toMatchObject({ offered: 1, isTaken: true, spare: 2 });
    offer(made, [], 2);
    made.sendUnique(0, 100, [66, 0, 0, 1]);
    made.settle(2_000);
    expect(made.engine.mailbox.lists).toMatchObject({ offered: 2, isTaken: true, spare: 1 });
    expect(sendersOut(made)).toEqual([66]);
  });

  test("denied beats allowed", () => {
    const made = listed([prefixOf("66.0.0.0", 8, LIST_ALLOW), prefixOf("66.1.0.0", 16, LIST_DENY)]);
    made.sendUnique(0, 1, [66, 1, 0, 1]);
    made.sendUnique(0, 2, [66, 2, 0, 1]);
    made.settle(1_000);
    expect([made.count("denied"), made.count("allowed")]).toEqual([1, 1]);
  });

  test("allowed never scores below the median of late", () => {
    // 66 is worth nothing to the model, 10 is worth something.
    const model = (...[arena, layout]: ConstructorParameters<typeof IpSigner>): IpSigner => {
      const real = new IpSigner(arena, layout);
      let given = 0;
      real.score = (at) => (arena.u8[at + 96] === 66 ? 0 : (given++ % 9) + 1);
      return real;
    };
    const made = rig({ layout: { listEntries: 64 }, model });
    offer(made, [prefixOf("66.0.0.0", 8, LIST_ALLOW)], 1);
    for (let n = 0; n < 255; n++) made.sendUnique(0, n, [10, 0, 0, 1]);
    made.sendUnique(0, 1_000, [66, 0, 0, 1]);
    made.engine.turn(0);
    made.settle(1_000);
    const out = sendersOut(made);
    expect(out).toHaveLength(256);
    const place = out.indexOf(66);
    expect(place).toBeGreaterThan(90);
    expect(place).toBeLessThan(160);
    expect(made.count("allowed")).toBe(1);
  });

  test("without them nothing is set aside, and an offer is no fault", () => {
    const made = rig();
    expect(made.parts.layout.lists).toBeUndefined();
    made.engine.mailbox.lists.offer(1);
    made.sendUnique(0, 1, [66, 0, 0, 1]);
    made.settle(1_000);
    expect(made.count("bankingTransmissions")).toBe(1);
  });
});

describe("votes", () => {
  const sendMixed = (made: Rig): void => {
    for (let n = 0; n < 20; n++) {
      const isVote = n % 4 === 0;
      made.send(0, {
        payload: salted(corpus[n], n),
        ip: [isVote ? 77 : 10, 0, 0, n],
        flags: isVote ? FLAG_SIMPLE_VOTE : 0,
      });
    }
    made.settle(1_000);
  };

  test("go first where that is asked for, and are counted", () => {
    const made = rig({ votes: "first" });
    sendMixed(made);
    const out = sendersOut(made);
    expect(out.slice(0, 5)).toEqual([77, 77, 77, 77, 77]);
    expect(out).toHaveLength(20);
    expect([made.count("simpleVotes"), made.count("votesFirst")]).toEqual([5, 5]);
  });

  test("rank by their score otherwise, and are counted all the same", () => {
    const made = rig({ votes: "score" });
    sendMixed(made);
    expect(sendersOut(made).slice(0, 5)).not.toEqual([77, 77, 77, 77, 77]);
    expect([made.count("simpleVotes"), made.count("votesFirst")]).toEqual([5, 0]);
  });
});

/**
 * The evidence model under a flood of forged packets which the operator's rules would favour. There is room for all:
 * 1,000 packets/s, and 500/s are honest, of 50 addresses. What is sent on is answered: a forged one as a failed signature,
 * an honest one as an outcome, nineteen of twenty included.
 */
describe("what is forged is not favoured for long", () => {
  const TICK_MS = 100;
  const HONEST = 50;
  const seconds = { learning: 4, settled: 4 };

  interface Attack {
    readonly votes?: "first";
    readonly allow?: { readonly prefixes?: readonly ListedPrefix[]; readonly payers?: readonly ListedPayer[] };
    readonly forgedPerSecond: number;
    /** Of the n-th forged packet. */
    readonly from: (n: number) => { readonly ip: readonly number[]; readonly port: number; readonly flags: number };
  }

  /** @returns honest packets sent on per second before the attack and once it has settled, and how many were forged */
  function play(attack: Attack): { before: number; settled: number; forged: number } {
    const made = rig({
      model: (arena, layout) => new Evidence(arena, layout),
      targetPps: 1_000,
      votes: attack.votes ?? "score",
      layout: { partialMetas: 16_384, ...(attack.allow === undefined ? {} : { listEntries: 64 }) },
    });
    if (attack.allow !== undefined) offer(made, attack.allow.prefixes ?? [], 1, attack.allow.payers);
    let number = 0;
    let forgedNumber = 0;
    const forged = new Set<string>();
    const nameOf = (packet: Uint8Array): string => Buffer.from(packet.subarray(1, 9)).toString("hex");
    const passSeconds = (count: number, forgedPerSecond: number, from: number): { honest: number; forged: number } => {
      const sent = { honest: 0, forged: 0 };
      for (let tick = 1; tick <= count * 10; tick++) {
        const now = from + tick * TICK_MS;
        for (let i = 0; i < forgedPerSecond / 10; i++) {
          const payload = salted(corpus[0], number++);
          forged.add(nameOf(payload));
          made.send(0, { payload, ...attack.from(forgedNumber++) });
        }
        for (let i = 0; i < HONEST; i++) made.send(1, { payload: salted(corpus[i], number++), ip: [10, 0, 0, i] });
        made.settle(now);
        for (const packet of made.received()) {
          if (forged.has(nameOf(packet))) {
            sent.forged += 1;
            made.sendBytes(FAILED_CHANNEL, packet);
          } else {
            sent.honest += 1;
            made.sendBytes(OUTCOME_CHANNEL, made.outcomeOf(packet, sent.honest % 20 === 0 ? 0 : 100_000));
          }
        }
        for (let ms = 10; ms < TICK_MS; ms += 10) made.settle(now + ms);
      }
      const { total, accounted } = made.law(from + count * 1_000);
      expect(accounted).toBe(total);
      return sent;
    };
    const before = passSeconds(2, 0, 0);
    const learning = passSeconds(seconds.learning, attack.forgedPerSecond, 2_000);
    const settled = passSeconds(seconds.settled, attack.forgedPerSecond, 2_000 + 1_000 * seconds.learning);
    // The rule was met by every forged packet, or the attack was none.
    expect(made.count(attack.allow === undefined ? "simpleVotes" : "allowed")).toBeGreaterThanOrEqual(forgedNumber);
    return {
      before: before.honest / 2,
      settled: settled.honest / seconds.settled,
      forged: learning.forged + settled.forged,
    };
  }

  const attackers = (flags: number) => (n: number) => ({ ip: [66, 0, 0, n % 10], port: 9_000, flags });
  /** The payer that the forged packets name: the first honest sender's. */
  const named = corpus[0].slice(1 + 64 + 4, 1 + 64 + 4 + 32);

  for (const forgedPerSecond of [50, 100, 2_000]) {
    test(`votes first, ${forgedPerSecond} forged votes a second: the honest are sent as before`, () => {
      const { before, settled, forged } = play({ votes: "first", forgedPerSecond, from: attackers(FLAG_SIMPLE_VOTE) });
      expect([before, settled]).toEqual([500, 500]);
      expect(forged).toBeLessThan(150);
    });
  }

  for (const forgedPerSecond of [50, 300]) {
    test(`an allowed payer is named in ${forgedPerSecond} forged packets a second: the honest are sent as before`, () => {
      const allow = { payers: [{ key: named, verdict: LIST_ALLOW }] };
      const { before, settled, forged } = play({ allow, forgedPerSecond, from: attackers(0) });
      expect([before, settled]).toEqual([500, 500]);
      expect(forged).toBeLessThan(150);
    });

    test(`an allowed prefix's addresses stand on ${forgedPerSecond} forged packets a second: the honest are sent as before`, () => {
      const from = (n: number) => ({ ip: [77, 0, 0, n % 10], port: 1_024 + ((n * 7_919) % 60_000), flags: 0 });
      const allow = { prefixes: [prefixOf("77.0.0.0", 8, LIST_ALLOW)] };
      const { before, settled } = play({ allow, forgedPerSecond, from });
      expect([before, settled]).toEqual([500, 500]);
    });
  }
});
