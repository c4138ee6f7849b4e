// What the reference's two models (engine.md, 5) have in common: all but the formula of a score.

import type { Toucher } from "../../kernel/kernel.ts";
import type { Arena } from "../../shape/arena.ts";
import type { ArenaLayout } from "../../shape/layout.ts";
import type { Model, ScoreFactors } from "../model.ts";
import { Senders } from "./senders.ts";

export abstract class ReferenceModel implements Model {
  abstract readonly name: string;
  readonly chooser = null;
  readonly senders: Senders;

  constructor(arena: Arena, layout: ArenaLayout) {
    this.senders = new Senders(arena, layout);
  }

  abstract score(at: number): number;

  get pending(): number {
    return this.senders.pending;
  }

  get evicted(): number {
    return this.senders.evicted;
  }

  touch(toucher: Toucher, digestsAt: number, count: number): number {
    return this.senders.touch(toucher, digestsAt, count);
  }

  factors(at: number, into: ScoreFactors): void {
    this.senders.factors(at, into);
  }

  failedSignature(at: number): void {
    this.senders.blame(at);
  }

  unparsable(at: number): void {
    this.senders.blame(at);
  }

  outcome(at: number, executionNanos: number): void {
    this.senders.outcome(at, executionNanos);
  }

  learn(): void {
    this.senders.learn();
  }

  /** Nothing fades by time alone. */
  advance(): void {}
}
