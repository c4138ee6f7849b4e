// A thread that says it is there and stays.

declare const self: { postMessage(message: string): void };
self.postMessage("here");
setInterval(() => {}, 1_000);
