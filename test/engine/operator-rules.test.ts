// The operator's say: denied senders never enter the queue, allowed ones rank with the median at least, votes go first
// where that is asked for; and the law holds with all of it.

import { describe, expect, test } from "bun:test";
import type { EngineSettings } from "../../src/engine/settings.ts";
import { LIST_ALLOW, LIST_DENY, type ListedPrefix, SenderLists } from "../../src/rank/lists/sender-lists.ts";
import { IpSigner } from "../../src/rank/reference/ip-signer.ts";
import { ADDRESS_AT, FLAG_SIMPLE_VOTE } from "../tools/agave-packet.ts";
import { corpus, type Rig, rig, salted } from "./rig.ts";

function listed(prefixes: readonly ListedPrefix[], settings: Partial<EngineSettings> = {}): Rig {
  const made = rig({ layout: { listEntries: 64 }, ...settings });
  offer(made, prefixes, 1);
  return made;
}

function offer({ parts }: Rig, prefixes: readonly ListedPrefix[], table: 1 | 2): void {
  const { tablesAt, slotCount } = parts.layout.lists!;
  SenderLists.build(prefixes, [], { buffer: parts.arena.buffer, at: tablesAt[table - 1], slotCount });
  parts.engine.mailbox.offerLists(table);
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

    expect(made.engine.mailbox.listsInUse).toBe(1);
    offer(made, [], 2);
    made.sendUnique(0, 100, [66, 0, 0, 1]);
    made.settle(2_000);
    expect(made.engine.mailbox.listsInUse).toBe(2);
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
    made.engine.mailbox.offerLists(1);
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
