import { expect, test } from "bun:test";
import { EvidenceReader } from "../../../src/rank/evidence/evidence-reader.ts";
import { openReaders } from "../../../src/rank/models.ts";
import { ScoreReader } from "../../../src/rank/reference/score-reader.ts";
import { TRAIT_IPV6 } from "../../../src/shape/digest-layout.ts";
import { EvidenceRig } from "./rig.ts";

test("senders with a record are read with what is known of them; ports and strangers are left out", () => {
  const rig = new EvidenceRig();
  for (let i = 0; i < 10; i++) rig.outcome({ ip: 0x0200000a, payer: 7 }, 120_000);
  for (let i = 0; i < 5; i++) rig.failed({ ip: 0x0300000a, payer: 7 });
  rig.outcome({ ip: 0x20010db8, payer: 9, traits: TRAIT_IPV6 }, 120_000);
  rig.offer({ ip: 0x0400000a, payer: 11 }, 100); // sent, and nothing known yet
  const ips = new EvidenceReader(rig.arena, rig.layout, "ips");
  const payers = new EvidenceReader(rig.arena, rig.layout, "payers");
  expect([ips.read(), payers.read()]).toEqual([true, true]);
  expect([ips.size, payers.size]).toEqual([3, 2]);
  const rows = Array.from({ length: 3 }, (_, row) => row);
  const rowOf = (octet: number): number => rows.find((row) => ips.key(row)[3] === octet && ips.key(row)[0] === 10)!;
  const good = ips.evidence(rowOf(2));
  expect(good).toMatchObject({ good: 10, bad: 0, landed: 10, missed: 0 });
  expect(good.nanosPerUnit).toBeCloseTo(6, 4);
  expect(ips.evidence(rowOf(3)).bad).toBeGreaterThanOrEqual(5);
  expect(ips.score(rowOf(2))).toBeGreaterThan(ips.score(rowOf(3)));
  expect(rows.filter((row) => ips.isIpv6(row)).length).toBe(1);
  expect(ips.best(1)).toEqual([rows.toSorted((a, b) => ips.score(b) - ips.score(a) || a - b)[0]]);
  expect(ips.worst(1)).toEqual([rowOf(3)]);
  expect(payers.key(0).length).toBe(32);
  expect([...Array(2).keys()].map((row) => payers.score(row)).every((score) => score > 0.8 && score <= 1)).toBe(true);
});

test("what is read can be restored: estimates come back, with the weight of a few observations", () => {
  const rig = new EvidenceRig();
  for (let i = 0; i < 20; i++) rig.outcome({ ip: 1, payer: 1 }, 120_000);
  const ips = new EvidenceReader(rig.arena, rig.layout, "ips");
  ips.read();
  const next = new EvidenceRig();
  expect(next.model.senders.restoreIp(next.digest({ ip: 1, payer: 1 }), ips.score(0))).toBe(true);
  expect(next.model.senders.restorePayer(next.digest({ ip: 1, payer: 1 }), Number.NaN)).toBe(false);
  expect(next.model.table.problem()).toBeUndefined();
  const restored = new EvidenceReader(next.arena, next.layout, "ips");
  restored.read();
  expect(restored.score(0)).toBeCloseTo(ips.score(0), 6);
  expect(next.model.senders.restoreIp(next.digest({ ip: 3, payer: 3 }), 0.1)).toBe(true);
  expect(next.estimate({ ip: 3, payer: 3 }).pGood).toBeLessThan(next.estimate({ ip: 1, payer: 1 }).pGood / 2);
});

test("the readers are those of the model that the arena was laid out for", () => {
  const { arena, layout } = new EvidenceRig();
  const evidence = openReaders(arena, { ...layout, options: { ...layout.options, model: "evidence" } });
  expect([evidence.ips instanceof EvidenceReader, evidence.payers instanceof EvidenceReader]).toEqual([true, true]);
  const scores = openReaders(arena, layout);
  expect([scores.ips instanceof ScoreReader, scores.payers instanceof ScoreReader]).toEqual([true, true]);
  expect(scores.ips.evidence(0)).toBeUndefined();
});
