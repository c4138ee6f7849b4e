// A small arena with an evidence model, and digests to show it.

import { Evidence } from "../../../src/rank/evidence/evidence.ts";
import { Knowledge } from "../../../src/rank/evidence/knowledge.ts";
import { Look, Looker } from "../../../src/rank/evidence/look.ts";
import { Arena } from "../../../src/shape/arena.ts";
import { smallCapacities } from "../../../src/shape/channels.ts";
import * as digest from "../../../src/shape/digest-layout.ts";
import { IDENTITY_BYTES, IDENTITY_ID_AT } from "../../../src/shape/identity-layout.ts";
import { type ArenaLayout, arenaLayout } from "../../../src/shape/layout.ts";
import type { PacketLayout } from "../../../src/shape/packet-layouts.ts";

export const smallLayout = {
  packetLayout: "agave2",
  maxIps: 4,
  maxSigners: 4,
  partialMetas: 4,
  recentSignatures: 4,
  queueCapacity: 4,
  channelCapacities: smallCapacities(4),
} as const;

export interface Sent {
  readonly ip?: number;
  readonly port?: number;
  readonly payer?: number;
  /** In the rig with identities: a number for one, 0 to 15. */
  readonly identity?: number;
  readonly fee?: number;
  readonly units?: number;
  readonly payload?: number;
  readonly arrival?: number;
  readonly traits?: number;
  readonly reason?: number;
}

export const TICK_MS = 100;

/** Ids as keyed ones look: both words spread. */
const spread = (key: number, salt: number): [number, number] => [
  Math.imul(key + salt, 0x9e3779b1) ^ (key << 7),
  Math.imul(key * 3 + salt, 0x85ebca6b),
];

/** Behind the layout, for tests' own tables. */
const SPARE_BYTES = 65_536;

export class EvidenceRig {
  readonly arena: Arena;
  readonly layout: ArenaLayout;
  readonly model: Evidence;
  readonly #first: number;
  #payload = 1_000_000;

  constructor(sets = 64, packetLayout: PacketLayout = smallLayout.packetLayout) {
    const layout = arenaLayout({ ...smallLayout, packetLayout, evidenceSets: sets });
    this.layout = layout;
    this.arena = Arena.reserve(layout.bytes + SPARE_BYTES);
    this.model = new Evidence(this.arena, layout);
    this.#first = layout.digestsAt;
  }

  /** Writes a digest. @param place several can stand beside one another, 0 to 15 */
  digest(sent: Sent, place = 0): number {
    const at = this.#first + place * digest.DIGEST_BYTES;
    const { i32, u8, f64, u32, u16 } = this.arena;
    u8.fill(0, at, at + digest.DIGEST_BYTES);
    const put = (offset: number, [low, high]: [number, number]): void => {
      i32[(at + offset) >>> 2] = low;
      i32[(at + offset + 4) >>> 2] = high;
    };
    put(digest.IP_ID_AT, spread(sent.ip ?? 1, 11));
    put(digest.PAYER_ID_AT, spread(sent.payer ?? 1, 1_013));
    put(digest.PAYLOAD_MIX_AT, spread(sent.payload ?? this.#payload++, 100_003));
    u32[(at + digest.IP_KEY_AT) >>> 2] = sent.ip ?? 1;
    u32[(at + digest.PAYER_KEY_AT) >>> 2] = sent.payer ?? 1;
    f64[(at + digest.FEE_AT) >>> 3] = sent.fee ?? 10_000;
    u32[(at + digest.COMPUTE_UNITS_AT) >>> 2] = sent.units ?? 20_000;
    u16[(at + digest.PORT_COPY_AT) >>> 1] = sent.port ?? 8_000;
    f64[(at + digest.ARRIVAL_AT) >>> 3] = sent.arrival ?? 0;
    u8[at + digest.TRAITS_AT] = sent.traits ?? 0;
    u8[at + digest.REASON_AT] = sent.reason ?? 0;
    return at;
  }

  /** The node of a packet's address, port and payer together; 0: none. */
  leafOf(sent: Sent): number {
    const look = new Look();
    new Looker(this.arena, new Knowledge(this.arena, this.layout)).setIds(look, this.digest(sent));
    return this.model.table.find(look.leafLow, look.leafHigh);
  }

  /** One packet through a transmit of its own. @returns what the model chose */
  offer(sent: Sent, nowMs: number, most = 800): number {
    const { model } = this;
    const at = this.digest(sent);
    model.setTarget(most / TICK_MS);
    model.advance(nowMs);
    model.begin(nowMs, most, TICK_MS);
    model.rescore(at, 0);
    while (model.favoured() >= 0);
    const choice = model.choose(at, false);
    if (choice === 0) model.sent(at);
    model.end();
    return choice;
  }

  /** The score of a packet that arrives. */
  score(sent: Sent): number {
    return this.model.score(this.digest(sent));
  }

  estimate(sent: Sent): ReturnType<Evidence["estimate"]> {
    return this.model.estimate(this.digest(sent));
  }

  outcome(sent: Sent, nanos: number): void {
    this.model.outcome(this.digest(sent), nanos);
  }

  failed(sent: Sent): void {
    this.model.failedSignature(this.digest(sent));
  }

  /** Time passes, and misses are judged. */
  tick(nowMs: number): void {
    this.model.advance(nowMs);
    this.model.begin(nowMs, 800, TICK_MS);
    this.model.end();
  }
}

/** The same with identities of staked peers, as the kernel keeps them: number n stands in place n of the table. */
export class IdentityRig extends EvidenceRig {
  constructor() {
    super(64, "agave4");
    const { u8, i32 } = this.arena;
    for (let n = 0; n < 16; n++) {
      const at = this.#placeOf(n);
      u8.set(this.key(n), at);
      i32.set(spread(n, 77), (at + IDENTITY_ID_AT) >>> 2);
    }
  }

  #placeOf(n: number): number {
    return (this.layout.identitiesAt ?? 0) + n * IDENTITY_BYTES;
  }

  /** An identity's 32 bytes. */
  key(n: number): Uint8Array {
    return new Uint8Array(32).fill(0x40 + n);
  }

  override digest(sent: Sent, place = 0): number {
    const at = super.digest(sent, place);
    if (sent.identity === undefined) return at;
    this.arena.u8[at + digest.TRAITS_AT] |= digest.TRAIT_IDENTITY;
    this.arena.u16[(at + digest.PORT_COPY_AT) >>> 1] = sent.identity;
    return at;
  }
}
