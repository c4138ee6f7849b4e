// `qos simulate --virtual --explain IP|PAYER`: what the evidence model thinks of a sender at the end of a run, and why.

import { base58 } from "@scure/base";
import type { PlainEngine } from "../../engine/plain.ts";
import { Failure } from "../../failure.ts";
import { EvidenceReader, type SenderEvidence } from "../../rank/evidence/evidence-reader.ts";
import { formatAddress } from "../../wire/address-text.ts";

const SHOWN = 3;
const KINDS = [
  ["address", "ips"],
  ["payer", "payers"],
  ["identity", "identities"],
] as const;

export interface ExplainedSender {
  readonly sender: string;
  readonly kind: "address" | "payer" | "identity";
  readonly score: number;
  readonly evidence: SenderEvidence;
}

/**
 * @param sender an address, a payer or an identity, as qos writes them
 * @throws Failure if nothing is known of it; its message names some that are known
 */
export function explainSender({ arena, layout }: PlainEngine, sender: string): ExplainedSender {
  const known: string[] = [];
  for (const [kind, of] of KINDS) {
    const reader = new EvidenceReader(arena, layout, of);
    reader.read();
    const nameOf = (row: number): string =>
      kind === "address" ? formatAddress(reader.key(row), reader.isIpv6(row)) : base58.encode(reader.key(row));
    for (let row = 0; row < reader.size; row++) {
      if (nameOf(row) === sender) return { sender, kind, score: reader.score(row), evidence: reader.evidence(row) };
    }
    known.push(...reader.best(SHOWN).map(nameOf), ...reader.worst(SHOWN).map(nameOf));
  }
  throw new Failure(`nothing is known of ${sender}; the best and the worst known are ${known.join(", ") || "none"}`);
}

/** Label and value, for the terminal. */
export function explainRows({ sender, kind, evidence }: ExplainedSender): [string, string][] {
  const share = (value: number): string => value.toFixed(3);
  const count = (value: number): string => value.toFixed(1);
  return [
    [kind, sender],
    ["signature good", `${share(evidence.pGood)}, from ${count(evidence.good)} good and ${count(evidence.bad)} bad`],
    ["lands", `${share(evidence.pLands)}, from ${count(evidence.landed)} landed and ${count(evidence.missed)} missed`],
    ["work", `${evidence.nanosPerUnit.toFixed(1)} ns for each compute unit that it asks for`],
    ["in flight", count(evidence.inFlight)],
    ["", "counts fade: credit halves in 8 s, blame in 32 s"],
  ];
}
