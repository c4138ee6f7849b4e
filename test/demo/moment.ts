// A moment for the demo's tests: a second of a busy sidecar.

import { Faults } from "../../src/observe/faults.ts";
import type { Moment } from "../../src/observe/moments.ts";
import type { SidecarPicture } from "../../src/observe/status-reader.ts";
import { rig } from "../engine/rig.ts";

const empty = rig().snapshot(1);
const sender = (name: string) => ({ sender: name, score: 1 });

export const picture = (counters: Partial<SidecarPicture["snapshot"]["counters"]>): SidecarPicture => ({
  snapshot: { ...empty, counters: { ...empty.counters, ...counters } },
  board: {
    version: "1.2.3",
    pid: 77,
    startedMs: 0,
    writtenMs: 0,
    prefix: "demo_7_",
    model: "evidence",
    packetLayout: "agave2",
    targetPps: 8_000,
    paused: false,
    heartbeatAgeMs: {},
    loopAgeMs: 0,
    updates: [],
    senders: {
      ips: { known: 3, top: [sender("10.0.0.1")], bottom: [sender("10.9.9.9")] },
      payers: { known: 1, top: [], bottom: [] },
    },
    database: null,
    faults: new Faults().counts,
    detached: {},
    ended: null,
  },
});

export const moment = (): Moment => ({
  before: picture({ totalPackets: 1_000, duplicatePackets: 100, bankingTransmissions: 500 }),
  now: picture({
    totalPackets: 21_000,
    duplicatePackets: 9_100,
    failedView: 400,
    bankingTransmissions: 4_500,
    queued: 7_000,
  }),
  elapsedMs: 500,
  stillMs: 0,
  isStopped: false,
  fates: new Map(),
});
