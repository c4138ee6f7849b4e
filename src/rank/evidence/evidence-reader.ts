// The evidence model's senders as seen from another thread: for the checkpoint, the statistics and `qos ctl`. Reads the
// nodes while the loop goes on. A node that changes under way shows counts of two moments, both true; one that changes
// hands is told by its id and left out.

import type { Arena } from "../../shape/arena.ts";
import type { ArenaLayout } from "../../shape/layout.ts";
import * as node from "../../shape/node-layout.ts";
import { ScoreRows } from "../score-rows.ts";
import { RECORD_MIN } from "./constants.ts";

/** What is known of one sender. */
export interface SenderEvidence extends Readonly<Record<string, number>> {
  /** Estimate, 0 to 1; 0 of a payer, which has no signatures of its own. */
  readonly pGood: number;
  /** Estimate, 0 to 1. */
  readonly pLands: number;
  /** Of execution per asked compute unit; 0 where unknown. */
  readonly nanosPerUnit: number;
  /** Decayed counts behind them. */
  readonly good: number;
  readonly bad: number;
  readonly landed: number;
  readonly missed: number;
  readonly inFlight: number;
}

const KINDS: Readonly<Record<"ips" | "payers" | "identities", readonly number[]>> = {
  ips: [node.KIND_ADDRESS, node.KIND_ADDRESS_IPV6],
  payers: [node.KIND_PAYER],
  identities: [node.KIND_IDENTITY],
};

export class EvidenceReader extends ScoreRows {
  size = 0;
  readonly #payers: boolean;
  readonly #isWanted: (kind: number) => boolean;
  readonly #keyBytes: number;
  readonly #counts: Float32Array;
  readonly #words: Int32Array;
  readonly #kinds: Uint8Array;
  readonly #sharedKeys: Uint8Array;
  readonly #nodes: number;
  #rows: { key: Uint8Array; isIpv6: boolean; evidence: SenderEvidence }[] = [];

  /** @param of which nodes to read */
  constructor(arena: Arena, { evidence }: ArenaLayout, of: "ips" | "payers" | "identities") {
    super();
    const nodes = evidence.sets * node.EVIDENCE_WAYS;
    this.#payers = of === "payers";
    this.#keyBytes = of === "ips" ? node.ADDRESS_KEY_BYTES : node.NODE_KEY_BYTES;
    this.#isWanted = (kind) => KINDS[of].includes(kind);
    this.#counts = new Float32Array(arena.buffer, evidence.nodesAt, nodes * node.NODE_WORDS);
    this.#words = new Int32Array(arena.buffer, evidence.nodesAt, nodes * node.NODE_WORDS);
    this.#kinds = new Uint8Array(arena.buffer, evidence.kindsAt, nodes);
    this.#sharedKeys = new Uint8Array(arena.buffer, evidence.keysAt, nodes * node.NODE_KEY_BYTES);
    this.#nodes = nodes;
  }

  read(): boolean {
    this.#rows = [];
    for (let i = 0; i < this.#nodes; i++) {
      const kind = this.#kinds[i];
      if (!this.#isWanted(kind)) continue;
      const id = this.#words[i * node.NODE_WORDS + node.ID_LOW];
      const evidence = this.#evidence(i * node.NODE_WORDS);
      const key = this.#sharedKeys.slice(i * node.NODE_KEY_BYTES, i * node.NODE_KEY_BYTES + this.#keyBytes);
      if (this.#words[i * node.NODE_WORDS + node.ID_LOW] !== id || this.#kinds[i] !== kind) continue;
      if (evidence.good + evidence.bad + evidence.landed + evidence.missed < RECORD_MIN) continue;
      this.#rows.push({ key, isIpv6: kind === node.KIND_ADDRESS_IPV6, evidence });
    }
    this.size = this.#rows.length;
    return true;
  }

  /** Addresses and identities: how likely a signature is good. Payers: how likely a transaction lands. */
  score(row: number): number {
    const { pGood, pLands } = this.#rows[row].evidence;
    return this.#payers ? pLands : pGood;
  }

  key(row: number): Uint8Array {
    return this.#rows[row].key;
  }

  isIpv6(row: number): boolean {
    return this.#rows[row].isIpv6;
  }

  override evidence(row: number): SenderEvidence {
    return this.#rows[row].evidence;
  }

  #evidence(at: number): SenderEvidence {
    const count = (column: number): number => {
      const value = this.#counts[at + column];
      return Number.isFinite(value) && value > 0 ? value : 0;
    };
    return {
      pGood: this.#payers ? 0 : Math.min(1, count(node.P_GOOD)),
      pLands: Math.min(1, count(node.P_LANDS)),
      nanosPerUnit: count(node.NANOS_PER_UNIT),
      good: this.#payers ? 0 : count(node.GOOD),
      bad: this.#payers ? 0 : count(node.BAD),
      landed: count(node.LANDED),
      missed: count(node.MISSED),
      inFlight: count(node.IN_FLIGHT),
    };
  }
}
