// What the evidence model knows, for its parts to share: the table of senders, the classes of those without a record, the
// block's room, the payloads seen, and what is usual. Arrival, transmit and learning each read it; learning alone adds to
// what is known of senders, but for what is in flight, which a transmit notes.

import type { Arena } from "../../shape/arena.ts";
import type { ArenaLayout } from "../../shape/layout.ts";
import { Identities } from "../identities.ts";
import { BlockRoom } from "./block-room.ts";
import { Copies } from "./copies.ts";
import { EvidenceTable } from "./evidence-table.ts";
import { LandingRecords } from "./landing-record.ts";
import { Newcomers } from "./newcomers.ts";
import { Nonces } from "./nonces.ts";
import { UnknownClasses } from "./unknown-class.ts";

export class Knowledge {
  /** Whole milliseconds of the loop's clock, as of this turn. */
  nowMs = 0;
  /** When anything came back last. */
  answeredMs = Number.NEGATIVE_INFINITY;
  /** What sigverify takes, by the last transmit. */
  packetsPerMs = 10_000;
  /** Compute units that a transaction asks for, on average over those that landed. */
  usualAsked = 0;
  /** Nanoseconds per asked unit, as the middle one of those that landed (followed by steps of its logarithm). */
  usualNanosPerUnit = 0;

  readonly table: EvidenceTable;
  readonly landings: LandingRecords;
  readonly classes: UnknownClasses;
  readonly newcomers: Newcomers;
  readonly copies: Copies;
  readonly identities: Identities;
  readonly nonces: Nonces;
  readonly room = new BlockRoom();

  constructor(arena: Arena, layout: ArenaLayout) {
    this.table = new EvidenceTable(arena, layout.evidence);
    this.landings = new LandingRecords(this.table.counts);
    this.newcomers = new Newcomers(arena, layout.presence);
    this.classes = new UnknownClasses(arena, this.newcomers.presence);
    this.copies = new Copies(arena, layout.payloads);
    this.identities = new Identities(arena, layout);
    this.nonces = new Nonces(arena.i32);
  }
}
