// What the engine is told at start. Frozen: what may change while it runs comes through the mailbox.

import type { SidecarSettings } from "../settings/sidecar-settings.ts";

/** The 100 ms between two transmits (engine.md, 6). */
export const TRANSMIT_INTERVAL_MS = 100;
/** Packets taken from a packet channel in one turn (engine.md, 12). */
export const PACKETS_PER_TURN = 256;
/** The other sources' budgets, chosen so that no source alone holds up a turn for more than about 0.1 ms. */
export const FAILED_PER_TURN = 64;
export const OUTCOMES_PER_TURN = 256;
export const CONFIRMED_PER_TURN = 512;
/** Packets sent in one turn: a slice of a transmit, about 0.1 ms. */
export const SENDS_PER_TURN = 256;
/** Packets that a model chooses about in one turn: each is looked at twice, and most are sent. */
export const CHOICES_PER_TURN = 96;
/** Queued packets scored anew, or put back, in one turn (chosen-transmit.ts): 0.1 to 0.2 ms each. */
export const RESCORES_PER_TURN = 192;
export const KEEPS_PER_TURN = 512;
/** A model learns when more completed transactions than this have gathered (engine.md, 5.3). */
export const OUTCOMES_PER_UPDATE = 400;
/** Milliseconds between two publications of the status page. */
export const PUBLISH_INTERVAL_MS = 5;

/** Of the sidecar's settings, those that the engine asks for. Votes rank by their score where nothing is said. */
export type EngineSettings = Pick<SidecarSettings, "targetPps" | "maxAgeMs"> & Partial<Pick<SidecarSettings, "votes">>;

/**
 * Packets of one transmit (engine.md, 6).
 * @returns 0 below 10 packets/s: refused where settings are read
 */
export function maxSendOf(targetPps: number): number {
  return Math.floor((targetPps * TRANSMIT_INTERVAL_MS) / 1000);
}
