// A program: writes checkpoints to the file given, one after the other, until it is killed. Says "writing" after the first.

import { encodeCheckpoint, type SavedScores } from "../../src/sidecar/scores/checkpoint.ts";
import { StateFile } from "../../src/sidecar/scores/state-file.ts";
import { MemoryLog } from "./parts.ts";

const file = new StateFile(process.argv[2], new MemoryLog());
for (let round = 1; ; round++) {
  const rows = 20_000;
  const saved: SavedScores = {
    model: "ip-signer",
    tables: [
      {
        name: "payers",
        keyBytes: 32,
        keys: new Uint8Array(rows * 32).fill(round),
        traits: new Uint8Array(rows),
        scores: new Float64Array(rows).fill(round),
      },
    ],
  };
  if (encodeCheckpoint(saved).length < rows) throw new Error("too short to be cut");
  await file.write(saved);
  if (round === 1) console.log("writing");
}
