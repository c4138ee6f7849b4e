// The sidecar's statistics file as the demo reads it: checked, since a program of another version may have written it.

import { readFileSync } from "node:fs";
import * as v from "valibot";

const count = v.pipe(v.number(), v.minValue(0));
const SenderSchema = v.object({ sender: v.string(), score: v.number() });
const StandingSchema = v.object({ known: count, top: v.array(SenderSchema), bottom: v.array(SenderSchema) });

const StatisticsSchema = v.object({
  sidecar: v.object({ pid: count, uptimeMs: count, model: v.string() }),
  counters: v.intersect([
    v.object({ totalPackets: count, bankingTransmissions: count, queued: count, completed: count, included: count }),
    v.record(v.string(), count),
  ]),
  queue: v.object({ door: v.nullable(v.number()) }),
  senders: v.object({ ips: StandingSchema, payers: StandingSchema }),
});

export type DemoStatistics = v.InferOutput<typeof StatisticsSchema>;

/** @returns undefined where the file is not there yet, or does not hold what is expected */
export function readStatistics(path: string): DemoStatistics | undefined {
  try {
    return parseStatistics(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined; // not written yet: the sidecar replaces the file in one step, so it is never half there
  }
}

export function parseStatistics(json: unknown): DemoStatistics | undefined {
  const result = v.safeParse(StatisticsSchema, json);
  return result.success ? result.output : undefined;
}
