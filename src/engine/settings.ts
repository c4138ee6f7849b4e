// What the engine is told at start. Frozen: what may change while it runs comes through the mailbox.

import type { SidecarSettings } from "../settings/sidecar-settings.ts";

/** What waits is scored anew and chosen from this often (engine.md, 6). */
export const CHOICE_INTERVAL_MS = 100;
/** What is too old is looked for this often. */
export const EXPIRY_INTERVAL_MS = 100;
/** How much budget is saved up at the most. */
export const BURST_MS = 100;
/**
 * Packets that are ready to go out, in choice intervals of the target: a choice makes so many ready, and leaves so many where
 * arrivals have made it too many. What is not ready is dearer to reach, what is ready is dearer to keep in order.
 */
export const READY_INTERVALS = 1.5;
export const READY_INTERVALS_MAX = 4;
/** At least so many, however low the target. */
export const READY_MIN = 64;
/** Packets taken from a packet channel in one turn (engine.md, 12). */
export const PACKETS_PER_TURN = 256;
/** The other sources' budgets, chosen so that no source alone holds up a turn for more than about 0.1 ms. */
export const FAILED_PER_TURN = 64;
export const OUTCOMES_PER_TURN = 256;
export const CONFIRMED_PER_TURN = 512;
/** Packets sent in one turn, about 0.1 ms. */
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
export type EngineSettings = Pick<SidecarSettings, "targetPps" | "maxAgeMs"> &
  Partial<Pick<SidecarSettings, "votes" | "burstMs" | "batchIntervalMs">>;
