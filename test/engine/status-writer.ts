// Peer of status.test.ts: publishes for ever, all statistics with the same value, which changes with each publication.

import { StatusPage } from "../../src/engine/status.ts";
import { Arena } from "../../src/shape/arena.ts";
import { STATISTICS } from "../../src/shape/statistics.ts";

declare const self: Worker;

self.onmessage = (event: MessageEvent<{ memory: WebAssembly.Memory; at: number }>) => {
  const page = new StatusPage(new Arena(event.data.memory), event.data.at);
  self.postMessage("ready");
  for (let value = 1; ; value++) {
    for (let i = 0; i < STATISTICS.length; i++) page.words[i] = value;
    page.publish();
    const until = performance.now() + 0.05;
    while (performance.now() < until);
  }
};
