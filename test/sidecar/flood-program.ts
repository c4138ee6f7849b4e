// A program: produces unique transactions into tpu_to_qos of the prefix given, some thousand a second, until it is killed.
// Says "sending" once the first are out.

import { corpus, salted } from "../engine/rig.ts";
import { Peer, TPU } from "./peer.ts";

const BATCH = 50;
const PAUSE_MS = 5;

const peer = new Peer(process.argv[2]);
peer.open(TPU);
for (let number = 0; ; number += BATCH) {
  for (let i = 0; i < BATCH; i++) {
    // Another process continues with numbers of its own.
    peer.send(TPU, salted(corpus[(number + i) % corpus.length], process.pid * 1_000_000 + number + i));
  }
  peer.sync(TPU);
  if (number === 0) console.log("sending");
  await Bun.sleep(PAUSE_MS);
}
