import { describe, expect, test } from "bun:test";
import { EvidenceReader } from "../../src/rank/evidence/evidence-reader.ts";
import { Identities } from "../../src/rank/identities.ts";
import { IDENTITY_PLACE_BITS, IDENTITY_TURN_AT } from "../../src/shape/identity-layout.ts";
import { IdentityRig } from "./evidence/rig.ts";

describe("identities", () => {
  test("are found by a digest's word, unless their place changed hands since", () => {
    const rig = new IdentityRig();
    const identities = new Identities(rig.arena, rig.layout);
    const at = identities.of(rig.digest({ identity: 3 }));
    expect(rig.arena.u8.slice(4 * at, 4 * at + 32).toHex()).toBe(rig.key(3).toHex());
    expect(identities.of(rig.digest({ port: 3 }))).toBe(0);
    for (const turn of [1, 2, 3, 4]) {
      rig.arena.i32[at + (IDENTITY_TURN_AT >>> 2)] = turn;
      expect(identities.of(rig.digest({ identity: 3 }))).toBe(turn === 4 ? at : 0);
      expect(identities.of(rig.digest({ identity: 3 | ((turn & 3) << IDENTITY_PLACE_BITS) }))).toBe(at);
    }
  });

  test("stand where ports stand: a peer is known behind a new payer by its identity, and not by another's at its address", () => {
    const rig = new IdentityRig();
    for (let i = 0; i < 20; i++) {
      rig.outcome({ ip: 9, payer: i, identity: 1 }, 120_000);
      rig.failed({ ip: 9, payer: 100 + i, identity: 2 });
    }
    const pGood = (sent: object): number => rig.estimate({ ip: 9, payer: 999, ...sent }).pGood;
    expect(pGood({ identity: 1 })).toBeGreaterThan(0.6);
    expect(pGood({ identity: 2 })).toBeLessThan(0.2);
    expect(rig.model.table.problem()).toBeUndefined();
  });

  test("are the same whatever the port, so that forgers do not touch a peer that they cannot sign for", () => {
    const rig = new IdentityRig();
    for (let i = 0; i < 20; i++) rig.outcome({ ip: 9, payer: 1, identity: 1 }, 120_000);
    const before = rig.estimate({ ip: 9, payer: 1, identity: 1 }).pGood;
    for (let i = 0; i < 200; i++) rig.failed({ ip: 9, payer: 1, port: i });
    for (let i = 0; i < 200; i++) rig.failed({ ip: 9, payer: 1, identity: 2 });
    expect(rig.estimate({ ip: 9, payer: 1, identity: 1 }).pGood).toBeGreaterThan(before - 0.1);
    expect(rig.estimate({ ip: 9, payer: 1, identity: 2 }).pGood).toBeLessThan(0.05);
  });

  test("are read with what is known of them", () => {
    const rig = new IdentityRig();
    for (let i = 0; i < 10; i++) rig.outcome({ ip: 9, payer: 1, identity: 1 }, 120_000);
    for (let i = 0; i < 10; i++) rig.failed({ ip: 9, payer: 1, identity: 2 });
    rig.outcome({ ip: 9, payer: 1, port: 5 }, 120_000);
    const reader = new EvidenceReader(rig.arena, rig.layout, "identities");
    reader.read();
    expect(reader.size).toBe(2);
    const [best] = reader.best(1);
    const [worst] = reader.worst(1);
    expect([reader.key(best), reader.key(worst)]).toEqual([rig.key(1), rig.key(2)]);
    expect(reader.evidence(worst).bad).toBeGreaterThanOrEqual(10);
    expect(reader.isIpv6(best)).toBe(false);
  });
});
