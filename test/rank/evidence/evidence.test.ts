import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CHOICE_COPY, CHOICE_KEEP, CHOICE_ROOM, CHOICE_SEND, SCORE_OF_COPY } from "../../../src/rank/chooser.ts";
import { BLAME_KEPT_BY_GOOD, LANDED_GOOD_MIN, UNPROVEN_IN_FLIGHT_MAX } from "../../../src/rank/evidence/constants.ts";
import { EvidenceReader } from "../../../src/rank/evidence/evidence-reader.ts";
import { IP_ID_AT, PAYER_ID_AT, TRAIT_STAKED } from "../../../src/shape/digest-layout.ts";
import { BAD, IN_FLIGHT } from "../../../src/shape/node-layout.ts";
import { EvidenceRig, type Sent, TICK_MS } from "./rig.ts";

const NANOS = 120_000;

/** A sender whose transactions land. */
function prove(rig: EvidenceRig, sent: Sent, times = 10): void {
  for (let i = 0; i < times; i++) rig.outcome(sent, NANOS);
}

describe("signatures", () => {
  test("who failed ranks below who was never seen, and that below who is proven", () => {
    const rig = new EvidenceRig();
    prove(rig, { ip: 1, payer: 1 });
    for (let i = 0; i < 5; i++) rig.failed({ ip: 2, payer: 2 });
    const [proven, unknown, blamed] = [1, 3, 2].map((n) => rig.score({ ip: n, payer: n }));
    expect(proven).toBeGreaterThan(unknown);
    expect(unknown).toBeGreaterThan(10 * blamed);
  });

  test("forgers who name a payer do it no harm at its own address", () => {
    const rig = new EvidenceRig();
    prove(rig, { ip: 1, payer: 1 });
    const before = rig.estimate({ ip: 1, payer: 1 });
    for (let i = 0; i < 500; i++) rig.failed({ ip: 100 + i, payer: 1 });
    expect(rig.estimate({ ip: 1, payer: 1 }).pGood).toBeCloseTo(before.pGood, 1);
    expect(rig.estimate({ ip: 1, payer: 1 }).pLands).toBeCloseTo(before.pLands, 1);
  });

  test("forgers who name an address, but not its port, do its owner little harm, and are told from him", () => {
    const rig = new EvidenceRig();
    prove(rig, { ip: 1, payer: 1, port: 8_000 }, 30);
    const before = rig.score({ ip: 1, payer: 1, port: 8_000 });
    for (let i = 0; i < 200; i++) {
      rig.failed({ ip: 1, payer: 1, port: 20_000 + i });
      rig.outcome({ ip: 1, payer: 1, port: 8_000 }, NANOS);
    }
    const owner = rig.score({ ip: 1, payer: 1, port: 8_000 });
    expect(owner).toBeGreaterThan(0.8 * before);
    expect(owner).toBeGreaterThan(100 * rig.score({ ip: 1, payer: 1, port: 9 }));
  });

  test("forgers who know an address, its port and its payer do not bury the owner, whose packets land", () => {
    const rig = new EvidenceRig();
    const owner = { ip: 1, payer: 1, port: 8_000 };
    const forger = { ip: 2, payer: 2, port: 8_000 };
    prove(rig, owner);
    rig.offer(forger, 50); // its signatures are all that is known of it
    for (let tick = 1; tick <= 100; tick++) {
      rig.model.advance(tick * TICK_MS);
      for (let i = 0; i < 8; i++) rig.failed(owner);
      for (let i = 0; i < 8; i++) rig.failed(forger);
      rig.outcome(owner, NANOS);
    }
    expect(rig.estimate(owner).pGood).toBeCloseTo(LANDED_GOOD_MIN, 9);
    expect(rig.estimate(forger).pGood).toBeLessThan(0.02);
    // Where there is room for all it is sent, and the forger's is not.
    expect(rig.offer({ ...owner, payload: 1 }, 10_100)).toBe(CHOICE_SEND);
    expect(rig.offer({ ...forger, payload: 2 }, 10_100)).toBe(CHOICE_KEEP);
    // But it is not believed for ever.
    for (let i = 0; i < 8; i++) rig.failed(owner);
    rig.model.advance(100_000);
    for (let i = 0; i < 200; i++) rig.failed(owner);
    expect(rig.estimate(owner).pGood).toBeLessThan(0.02);
  });

  test("unparsable data blames its address, which may be new", () => {
    const rig = new EvidenceRig();
    const before = rig.score({ ip: 1 });
    for (let i = 0; i < 20; i++) rig.model.unparsable(rig.digest({ ip: 1, reason: 20 }));
    expect(rig.score({ ip: 1 })).toBeLessThan(before / 20);
    expect(rig.estimate({ ip: 1 }).pGood).toBeGreaterThan(0);
  });

  test("many unknown senders that fail bring all unknown ones into disrepute, but none that is proven, nor the staked", () => {
    const rig = new EvidenceRig();
    prove(rig, { ip: 1, payer: 1 });
    const proven = rig.score({ ip: 1, payer: 1 });
    const staked = rig.score({ ip: 2, payer: 2, traits: TRAIT_STAKED });
    for (let i = 0; i < 100; i++) rig.failed({ ip: 1_000 + i, payer: 1_000 + i });
    expect(rig.score({ ip: 2, payer: 2 })).toBeLessThan(staked / 20);
    expect(rig.score({ ip: 2, payer: 2, traits: TRAIT_STAKED })).toBe(staked);
    expect(rig.score({ ip: 1, payer: 1 })).toBe(proven);
  });

  test("a good past is spent within a dozen bad signatures, however long it was", () => {
    const rig = new EvidenceRig();
    prove(rig, { ip: 1, payer: 1 }, 10_000);
    const before = rig.score({ ip: 1, payer: 1 });
    for (let i = 0; i < 12; i++) rig.failed({ ip: 1, payer: 1 });
    expect(rig.score({ ip: 1, payer: 1 })).toBeLessThan(before / 4);
  });
});

test("each good signature forgives a tenth of the blame", () => {
  const rig = new EvidenceRig();
  for (let i = 0; i < 5; i++) rig.failed({ ip: 1, payer: 1 });
  const at = rig.digest({ ip: 1, payer: 1 });
  const word = (at + IP_ID_AT) >>> 2;
  const address = rig.model.table.find(rig.arena.i32[word], rig.arena.i32[word + 1]);
  const blame = (): number => rig.model.table.counts[address + BAD];
  const before = blame();
  expect(before).toBeGreaterThan(1);
  rig.outcome({ ip: 1, payer: 1 }, NANOS);
  expect(blame() / before).toBeCloseTo(BLAME_KEPT_BY_GOOD, 5);
});

describe("garbage", () => {
  const garbage = (rig: EvidenceRig, count: number): void => {
    for (let i = 0; i < count; i++) rig.model.unparsable(rig.digest({ ip: 1, reason: 20 }));
  };

  test("blames an address that has a record, on all its ports, by half of a bad signature each", () => {
    const rig = new EvidenceRig();
    prove(rig, { ip: 1, payer: 1 });
    const known = { ip: 1, payer: 1, port: 8_000 };
    const before = rig.estimate(known).pGood;
    garbage(rig, 40);
    const after = rig.estimate(known).pGood;
    const other = rig.estimate({ ...known, port: 9_000 }).pGood;
    expect(after).toBeLessThan(before - 0.02);
    expect(other).toBeLessThan(after);
    // The blame is the address's own, not that of strangers below it alone.
    const ips = new EvidenceReader(rig.arena, rig.layout, "ips");
    ips.read();
    expect(ips.evidence(0).bad).toBeGreaterThan(20);
    expect(ips.evidence(0).good).toBeLessThan(1);
  });
});

describe("landing", () => {
  test("of one address with many payers, those that never land are told from those that do", () => {
    const rig = new EvidenceRig();
    for (let round = 1; round <= 20; round++) {
      for (let payer = 1; payer <= 10; payer++) rig.outcome({ ip: 1, payer }, payer <= 2 ? 0 : NANOS);
      rig.tick(round * TICK_MS);
    }
    for (let bad = 1; bad <= 2; bad++) {
      for (let good = 3; good <= 10; good++) {
        expect(rig.score({ ip: 1, payer: good })).toBeGreaterThan(20 * rig.score({ ip: 1, payer: bad }));
      }
    }
  });

  test("who has always won one race in five is told from who never lands, and from who has turned to it", () => {
    const rig = new EvidenceRig();
    const racer = { ip: 50, payer: 50 };
    const liar = { ip: 51, payer: 51 };
    const turned = { ip: 52, payer: 52 };
    for (let round = 0; round < 100; round++) {
      for (let payer = 1; payer <= 10; payer++) rig.outcome({ ip: payer, payer }, NANOS);
      const wins = round % 5 === 0 ? NANOS : 0;
      rig.outcome(racer, wins);
      rig.outcome(liar, 0);
      rig.outcome(turned, round < 60 ? NANOS : wins);
      rig.tick((round + 1) * TICK_MS);
    }
    const { pLands } = rig.estimate(racer);
    expect(pLands).toBeGreaterThan(0.12);
    expect(pLands).toBeLessThan(0.3);
    expect(rig.score(racer)).toBeGreaterThan(20 * rig.score(liar));
    expect(rig.score(racer)).toBeGreaterThan(5 * rig.score(turned));
  });

  test("an address's only payer does not answer twice for the same misses", () => {
    const rig = new EvidenceRig();
    for (let i = 0; i < 10; i++) prove(rig, { ip: 10 + i, payer: 10 + i });
    rig.tick(TICK_MS);
    // The same misses: of one payer, and of an address that has another payer who missed as often.
    for (let i = 0; i < 3; i++) {
      rig.outcome({ ip: 1, payer: 1 }, 0);
      rig.outcome({ ip: 2, payer: 2 }, 0);
      rig.outcome({ ip: 2, payer: 3 }, 0);
    }
    rig.tick(2 * TICK_MS);
    expect(rig.estimate({ ip: 1, payer: 1 }).pLands).toBeGreaterThan(1.2 * rig.estimate({ ip: 2, payer: 2 }).pLands);
  });

  test("a declared fee does not make up for disbelief", () => {
    const rig = new EvidenceRig();
    for (let round = 1; round <= 5; round++) {
      for (let i = 0; i < 10; i++) rig.outcome({ ip: 1, payer: 1 }, NANOS);
      for (let i = 0; i < 10; i++) rig.outcome({ ip: 2, payer: 2, fee: 400_000 }, 0);
      rig.tick(round * TICK_MS);
    }
    expect(rig.score({ ip: 2, payer: 2, fee: 400_000 })).toBeLessThan(rig.score({ ip: 1, payer: 1, fee: 10_000 }));
  });

  test("where all miss at a price, nobody is blamed much", () => {
    const rig = new EvidenceRig();
    for (let payer = 1; payer <= 40; payer++) prove(rig, { ip: payer, payer }, 20);
    const before = rig.estimate({ ip: 1, payer: 1 });
    rig.tick(TICK_MS);
    for (let payer = 1; payer <= 40; payer++) for (let i = 0; i < 5; i++) rig.outcome({ ip: payer, payer }, 0);
    rig.tick(2 * TICK_MS);
    expect(rig.estimate({ ip: 1, payer: 1 }).pLands).toBeGreaterThan(0.95 * before.pLands);
  });
});

/** Plays full blocks, until the model knows their room. */
function fillBlocks(rig: EvidenceRig): void {
  for (let tick = 1; tick <= 24; tick++) {
    for (let payer = 1; payer <= 40; payer++) {
      rig.outcome({ ip: payer, payer }, payer <= 4 ? 10 * NANOS : NANOS);
      rig.outcome({ ip: payer, payer, fee: 1_000 }, tick < 8 ? NANOS : 0); // the cheap ones are left out
    }
    rig.tick(tick * TICK_MS);
  }
  expect(rig.model.room.nanosPerMs).toBeLessThan(Number.POSITIVE_INFINITY);
}

test("work is learned per payer: who takes ten times what it asks for is worth less in a full block", () => {
  const rig = new EvidenceRig();
  fillBlocks(rig);
  rig.offer({ ip: 1, payer: 1 }, 2_500);
  rig.offer({ ip: 30, payer: 30 }, 2_600);
  expect(rig.score({ ip: 30, payer: 30 })).toBeGreaterThan(3 * rig.score({ ip: 1, payer: 1 }));
});

describe("copies", () => {
  test("a payload that went out is a copy, from whatever address; another under the same names is not", () => {
    const rig = new EvidenceRig();
    const sent = { ip: 1, payer: 1, payload: 5 };
    expect(rig.offer(sent, 100)).toBe(CHOICE_SEND);
    expect(rig.score({ ...sent, ip: 9 })).toBe(SCORE_OF_COPY);
    expect(rig.offer({ ...sent, ip: 9 }, 200)).toBe(CHOICE_COPY);
    expect(rig.score({ ...sent, payload: 6 })).toBeGreaterThan(0);
  });

  test("while it waits, a copy from elsewhere is worth less than the first, and a forgery does not touch it", () => {
    const rig = new EvidenceRig();
    prove(rig, { ip: 1, payer: 1 });
    prove(rig, { ip: 2, payer: 2 });
    const first = rig.digest({ ip: 1, payer: 1, payload: 5 });
    const before = rig.model.score(first);
    rig.model.arrived(first);
    expect(rig.score({ ip: 2, payer: 1, payload: 5 })).toBeLessThan(before / 2);
    rig.model.arrived(rig.digest({ ip: 2, payer: 1, payload: 6 }));
    rig.failed({ ip: 2, payer: 1, payload: 6 });
    expect(rig.score({ ip: 1, payer: 1, payload: 5 })).toBeGreaterThan(0.95 * before);
  });
});

describe("what is kept", () => {
  const begin = (rig: EvidenceRig, packetsMax: number): void => {
    rig.model.setTarget(packetsMax / TICK_MS);
    rig.model.advance(5_000);
    rig.model.begin(5_000, packetsMax, TICK_MS);
  };
  const choices = (rig: EvidenceRig, order: readonly Sent[]): number[] =>
    order.map((sent) => {
      const choice = rig.model.choose(rig.digest(sent), false);
      if (choice === CHOICE_SEND) rig.model.sent(rig.digest(sent));
      return choice;
    });

  test("holds up nothing below it, were it ever so many that are hopeless", () => {
    const rig = new EvidenceRig();
    prove(rig, { ip: 1, payer: 1 });
    for (let i = 0; i < 40; i++) rig.failed({ ip: 2, payer: 2 });
    const forged = Array.from({ length: 300 }, (_, i) => ({ ip: 2, payer: 2, payload: i + 1, arrival: 4_990 }));
    const honest = Array.from({ length: 20 }, (_, i) => ({ ip: 1, payer: 1, payload: 1_000 + i, arrival: 4_990 }));
    for (const packetsMax of [100, 1_000]) {
      rig.tick(4_900);
      rig.outcome({ ip: 1, payer: 1 }, NANOS);
      begin(rig, packetsMax);
      // In an order that nobody should make: the hopeless in front.
      const order = [...forged, ...honest].map((sent) => ({ ...sent, payload: sent.payload + 10_000 * packetsMax }));
      const found = choices(rig, order);
      expect(found.slice(0, forged.length).every((choice) => choice === CHOICE_KEEP)).toBe(true);
      expect(found.slice(forged.length).every((choice) => choice === CHOICE_SEND)).toBe(true);
      rig.model.end();
    }
  });

  test("a hopeless packet is not ready when it arrives", () => {
    const rig = new EvidenceRig();
    prove(rig, { ip: 1, payer: 1 });
    for (let i = 0; i < 40; i++) rig.failed({ ip: 2, payer: 2 });
    rig.score({ ip: 2, payer: 2 });
    expect(rig.model.mayBeReady()).toBe(false);
    rig.score({ ip: 1, payer: 1 });
    expect(rig.model.mayBeReady()).toBe(true);
  });

  test("one that takes more than an interval's room is kept, and holds up nothing", () => {
    const rig = new EvidenceRig();
    fillBlocks(rig);
    for (let i = 0; i < 20; i++) prove(rig, { ip: 1, payer: 1 });
    begin(rig, 1_000);
    const large = { ip: 1, payer: 1, units: 1_400_000_000, payload: 1, arrival: 4_990 };
    const small = { ip: 1, payer: 1, units: 100, payload: 5_000, arrival: 4_990 };
    expect(choices(rig, [large, large, small])).toEqual([CHOICE_KEEP, CHOICE_KEEP, CHOICE_SEND]);
  });
});

describe("the block's room", () => {
  const nanosOf = (rig: EvidenceRig, sent: Sent): number =>
    rig.estimate(sent).nanosPerUnit * (sent.units ?? 0) * rig.estimate(sent).pGood;

  /** How many packets go out at a time. */
  function sendAll(rig: EvidenceRig, sent: Sent, nowMs: number): number {
    rig.model.advance(nowMs);
    let count = 0;
    while (rig.model.hasRoom()) {
      const at = rig.digest({ ...sent, payload: 1_000 * nowMs + count });
      expect(rig.model.choose(at, false)).toBe(CHOICE_SEND);
      rig.model.sent(at);
      count += 1;
    }
    expect(rig.model.choose(rig.digest({ ...sent, payload: 77 }), false)).toBe(CHOICE_ROOM);
    return count;
  }

  test("comes as time passes; what is sent beyond it is waited for, and little is saved up", () => {
    const rig = new EvidenceRig();
    fillBlocks(rig);
    for (let i = 0; i < 20; i++) prove(rig, { ip: 1, payer: 1 });
    const perMs = rig.model.room.roomOf(1);
    const sent = { ip: 1, payer: 1, units: 20_000, arrival: 4_990 };
    rig.model.setTarget(1_000);
    sendAll(rig, sent, 5_000);
    const packets = (20 * perMs) / nanosOf(rig, sent);
    const saved = sendAll(rig, sent, 6_000);
    expect(Math.abs(saved - packets)).toBeLessThanOrEqual(2 + packets / 10);
    let slow = 0;
    for (let ms = 1; ms <= 100; ms++) {
      rig.model.advance(6_000 + ms);
      slow += rig.model.hasRoom() ? sendAll(rig, sent, 6_000 + ms) : 0;
    }
    expect(Math.abs(slow - 5 * packets)).toBeLessThanOrEqual(2 + packets / 2);
  });
});

describe("in flight", () => {
  /** A transmit of so many packets of one sender, with room for `most`. @returns how many are sent */
  function transmit(rig: EvidenceRig, count: number, most: number, nowMs: number, sender: Sent): number {
    const { model } = rig;
    let sent = 0;
    let payload = nowMs * 1_000;
    model.setTarget(most / TICK_MS);
    model.advance(nowMs);
    for (let i = 0; i < count; i++) {
      const at = rig.digest({ ...sender, payload: payload++, arrival: nowMs });
      model.score(at);
      model.arrived(at);
    }
    model.advance(nowMs + 1);
    payload = nowMs * 1_000;
    for (let i = 0; i < count && sent < most; i++) {
      const at = rig.digest({ ...sender, payload: payload++, arrival: nowMs });
      const choice = model.choose(at, false);
      if (choice === CHOICE_SEND) {
        model.sent(at);
        sent += 1;
      } else if (choice !== CHOICE_KEEP) break;
    }
    return sent;
  }

  test("a sender without a record has few in flight, where others wait and answers come", () => {
    const rig = new EvidenceRig();
    prove(rig, { ip: 1, payer: 1 });
    expect(transmit(rig, 50, 40, 100, { ip: 2, payer: 2 })).toBe(UNPROVEN_IN_FLIGHT_MAX);
    expect(transmit(rig, 50, 40, 200, { ip: 1, payer: 1 })).toBe(40);
  });

  test("a failed signature is an answer: it ends what its address, its leaf and its payer have in flight", () => {
    const rig = new EvidenceRig();
    const sent = { ip: 2, payer: 2 };
    // The leaf is known from the first failure on, and counts what is in flight from then on.
    rig.failed(sent);
    rig.outcome(sent, NANOS);
    const inFlight = (): number[] => {
      const { table } = rig.model;
      const { i32 } = rig.arena;
      const at = rig.digest(sent);
      const nodes = [IP_ID_AT, PAYER_ID_AT].map((id) => table.find(i32[(at + id) >>> 2], i32[(at + id + 4) >>> 2]));
      return [...nodes, rig.leafOf(sent)].map((node) => table.counts[node + IN_FLIGHT]);
    };
    for (let i = 1; i <= 3; i++) expect(rig.offer(sent, 100)).toBe(CHOICE_SEND);
    expect(inFlight()).toEqual([3, 3, 3]);
    rig.failed(sent);
    expect(inFlight()).toEqual([2, 2, 2]);
    for (let i = 0; i < 5; i++) rig.failed(sent);
    expect(inFlight()).toEqual([0, 0, 0]);
  });

  test("where all fit, or nobody answers, nothing is withheld", () => {
    const rig = new EvidenceRig();
    expect(transmit(rig, 50, 40, 100, { ip: 2, payer: 2 })).toBe(40);
    prove(rig, { ip: 1, payer: 1 });
    expect(transmit(rig, 30, 40, 200, { ip: 3, payer: 3 })).toBe(30);
  });
});

test("whatever happens, scores are numbers from 0 on and all nodes hold", () => {
  const sender = fc.record({
    ip: fc.integer({ min: 1, max: 60 }),
    port: fc.integer({ min: 0, max: 65_535 }),
    payer: fc.integer({ min: 1, max: 60 }),
    fee: fc.oneof(
      fc.constantFrom(0, 5_000, Number.MAX_SAFE_INTEGER, 1.8e19),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
    ),
    units: fc.constantFrom(0, 1, 450, 1_400_000, 4_294_967_295),
    payload: fc.integer({ min: 1, max: 30 }),
  });
  const event = fc.tuple(
    fc.constantFrom("offer", "outcome", "miss", "failed", "unparsable", "score"),
    sender,
    fc.constantFrom(0, 1, 50, 400, 60_000),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120 }), (events) => {
      const rig = new EvidenceRig(1);
      let now = 0;
      for (const [what, sent, pause] of events) {
        now += pause;
        rig.model.advance(now);
        if (what === "offer") rig.offer({ ...sent, arrival: now }, now);
        else if (what === "outcome") rig.outcome(sent, 1 + (sent.payload ** 7 % 2 ** 32));
        else if (what === "miss") rig.outcome(sent, 0);
        else if (what === "failed") rig.failed(sent);
        else if (what === "unparsable") rig.model.unparsable(rig.digest({ ...sent, reason: 20 }));
        const score = rig.score(sent);
        expect(score >= 0 || score === SCORE_OF_COPY).toBe(true);
        expect(rig.model.table.problem()).toBeUndefined();
      }
    }),
  );
});
