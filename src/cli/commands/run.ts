// `qos run`: the flags, and the sidecar.

import { RUN_FLAGS } from "../../settings/run-flags.ts";
import { settingsOf } from "../../settings/sidecar-settings.ts";
import { runSidecar } from "../../sidecar/sidecar.ts";
import { VERSION } from "../../version.ts";
import { command } from "../command.ts";

export default command({
  name: "run",
  summary: "the sidecar: takes packets, keeps the best, sends them on",
  about:
    "Runs the sidecar until SIGINT or SIGTERM. It takes the packet layout of the channels that are there; where none is, it " +
    "waits for the first one before it makes anything, or starts at once with the layout that is named. It joins each of its channels as soon as that appears, takes packets from " +
    "the four packet channels, ranks them by what their senders' transactions were worth before, and sends the best on to " +
    "sigverify. Started as root it opens its channels and then gives up root's rights.",
  flags: RUN_FLAGS,
  examples: [
    { line: "qos run", says: "with everything as it is by default; channels are awaited" },
    { line: "qos run --cpu 3 --target-pps 50000", says: "on a core of its own, sending at most 50,000 packets/s" },
    {
      line: "sudo qos run --use-huge-pages --state /var/lib/qos/scores",
      says: "as root for the huge pages, then as the user who called sudo; scores survive a restart",
    },
    {
      line: "QOS_XXHASH_SEED=420 qos run --prefix test_ --idle backoff --duration 10s --stats-json stats.json",
      says: "ten seconds beside something else on the same machine, on channels of its own, with the numbers in a file",
    },
    {
      line: "qos --xxhash-seed 420 --target-pps 500 --use-huge-pages",
      says: "flags and no command mean run, so that an older command line keeps working",
    },
  ],
  run: ({ values }) => runSidecar(settingsOf(values), VERSION),
});
