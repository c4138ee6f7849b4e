// The models' rows: each opens, is called by its row's name, and has readers of its own.

import { expect, test } from "bun:test";
import { EvidenceReader } from "../../src/rank/evidence/evidence-reader.ts";
import { MODELS, modelNamed, modelRow, openModel, openReaders } from "../../src/rank/models.ts";
import { ScoreReader } from "../../src/rank/reference/score-reader.ts";
import { Arena } from "../../src/shape/arena.ts";
import { smallCapacities } from "../../src/shape/channels.ts";
import { arenaLayout } from "../../src/shape/layout.ts";

test.each(MODELS)("%s opens by its name, and its readers find its senders", (model) => {
  const layout = arenaLayout({
    packetLayout: "agave2",
    maxIps: 4,
    maxSigners: 4,
    partialMetas: 4,
    recentSignatures: 4,
    queueCapacity: 4,
    evidenceSets: 16,
    channelCapacities: smallCapacities(4),
    model,
  });
  const arena = Arena.reserve(layout.bytes);
  expect(openModel(model, arena, layout).name).toBe(model);
  const { ips, payers } = openReaders(arena, layout);
  const kind = modelRow(model).explains ? EvidenceReader : ScoreReader;
  expect([ips instanceof kind, payers instanceof kind]).toEqual([true, true]);
  expect(modelNamed(model)).toBe(modelRow(model));
});

test("a name from elsewhere has no row", () => {
  for (const name of ["", "toString", null, 3]) expect(modelNamed(name)).toBeUndefined();
});
