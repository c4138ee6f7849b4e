// What a run was worth: lamports against the oracle's and the other rules' on the same traffic, waste, the attackers' share,
// newcomers, delays. The same numbers for both drivers and for the scoreboard.

import { arrivalOrder, declaredFee, feeFloor, oracle, payingAttackers } from "./baselines.ts";
import {
  type AttackShare,
  attackersShare,
  type Delays,
  type Deliveries,
  honestDelays,
  ISOLATED_SHARE,
  newcomersDelivered,
} from "./deliveries.ts";
import type { Source } from "./source.ts";
import { honestLamportsSince, type SimulatedValidator } from "./validator.ts";

/** The traffic's own numbers: they depend on the traffic alone, so a scoreboard computes them once for all models. */
export interface Baselines {
  readonly oracleLamports: number;
  readonly oracleNewcomers: number;
  readonly arrivalOrderLamports: number;
  readonly declaredFeeLamports: number;
  readonly feeFloorLamports: number;
  /** Share of attackers in what an oracle would deliver that counts everybody's lamports. */
  readonly payingAttackers: number;
}

export interface Measures {
  /** Lamports of honest senders' transactions that arrived from the attack's start on and landed. */
  readonly honestLamports: number;
  /** The same, divided by the oracle's; undefined if the oracle earns nothing. */
  readonly value: number | undefined;
  readonly arrivalOrderValue: number | undefined;
  readonly declaredFeeValue: number | undefined;
  readonly feeFloorValue: number | undefined;
  /** Share of what was delivered from the attack's start on and was not included. */
  readonly waste: number;
  readonly attack: AttackShare;
  /** The same with what attackers are worth added to the limit: they may land and pay. */
  readonly beyondPaying: {
    readonly payingShare: number;
    readonly isolatedAfterMs: number | undefined;
  };
  /** Newcomers' transactions delivered, divided by those that the oracle delivers; undefined if it delivers none. */
  readonly newcomers: number | undefined;
  readonly delays: Delays | undefined;
}

/** @param untilMs the run's end: transactions that have not landed by then do not count */
export function baselinesOf(source: Source, untilMs = source.durationMs, fromMs = source.attackMs): Baselines {
  const { trace, validator } = source;
  const span = { fromMs, untilMs };
  const best = oracle(trace, validator, span);
  return {
    oracleLamports: best.honestLamports,
    oracleNewcomers: best.newcomers,
    arrivalOrderLamports: arrivalOrder(trace, validator, span).honestLamports,
    declaredFeeLamports: declaredFee(trace, validator, span).honestLamports,
    feeFloorLamports: feeFloor(trace, validator, span).honestLamports,
    payingAttackers: payingAttackers(trace, validator, span),
  };
}

/** The value alone: honest lamports since the attack's start, by the oracle's. @returns undefined if that earns nothing */
export function valueOfRun(run: { source: Source; validator: SimulatedValidator; nowMs: number }): number | undefined {
  const { trace, validator, attackMs: fromMs } = run.source;
  const span = { fromMs, untilMs: run.nowMs };
  const best = oracle(trace, validator, span).honestLamports;
  return best === 0 ? undefined : honestLamportsSince(trace, run.validator.landings, fromMs, run.nowMs) / best;
}

export function measure(
  source: Source,
  validator: SimulatedValidator,
  deliveries: Deliveries,
  baselines: Baselines,
  untilMs = source.durationMs,
  fromMs = source.attackMs,
): Measures {
  const { trace, sending } = source;
  const honest = (group: number): boolean => sending.isHonest(group);
  const honestLamports = honestLamportsSince(trace, validator.landings, fromMs, untilMs);
  const share = (lamports: number): number | undefined =>
    baselines.oracleLamports === 0 ? undefined : lamports / baselines.oracleLamports;
  const attack = attackersShare(deliveries, honest, fromMs, untilMs);
  const payingShare = baselines.payingAttackers;
  let delivered = 0;
  for (let i = 0; i < deliveries.count; i++) if (deliveries.ms[i] >= fromMs) delivered += 1;
  const included = validator.landings.ms.reduce((sum, ms) => sum + (ms >= fromMs ? 1 : 0), 0);
  return {
    honestLamports,
    value: share(honestLamports),
    arrivalOrderValue: share(baselines.arrivalOrderLamports),
    declaredFeeValue: share(baselines.declaredFeeLamports),
    feeFloorValue: share(baselines.feeFloorLamports),
    waste: delivered === 0 ? 0 : Math.max(0, 1 - included / delivered),
    attack,
    beyondPaying: {
      payingShare,
      // A share of nothing would only repeat the count.
      isolatedAfterMs:
        payingShare === 0
          ? attack.isolatedAfterMs
          : attackersShare(deliveries, honest, fromMs, untilMs, { limit: ISOLATED_SHARE + payingShare })
              .isolatedAfterMs,
    },
    newcomers:
      baselines.oracleNewcomers === 0
        ? undefined
        : newcomersDelivered(trace, deliveries, fromMs) / baselines.oracleNewcomers,
    delays: honestDelays(trace, deliveries, fromMs, untilMs, honest),
  };
}
