// Started as root by privileges.test.ts: drops to a user while other threads live, then tries to come back, and says what
// happened as one line of JSON. It waits for a line on standard input, so that its parent can look at it meanwhile.

import fs from "node:fs";
import { dropPrivileges } from "../../ffi/privileges.ts";
import { denyNewPrivileges } from "../../ffi/thread.ts";
import { findUser } from "../../ffi/users.ts";

const [name, rootsFile] = process.argv.slice(2);
const workers = [0, 1, 2].map(() => new Worker(new URL("./idle-worker.ts", import.meta.url).href));
await Promise.all(workers.map((worker) => new Promise((ready) => worker.addEventListener("message", ready))));

const user = findUser(name);
if (user === undefined) throw new Error(`no user ${name}`);
const attempt = (call: () => unknown): string => {
  try {
    call();
    return "done";
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
};

const mayGain = denyNewPrivileges();
const drop = attempt(() => dropPrivileges(user));
const attempts = {
  setuid: attempt(() => process.setuid?.(0)),
  seteuid: attempt(() => process.seteuid?.(0)),
  setgid: attempt(() => process.setgid?.(0)),
  setgroups: attempt(() => process.setgroups?.([0])),
  rootsFile: attempt(() => fs.readFileSync(rootsFile)),
  again: attempt(() => dropPrivileges({ name: "daemon", uid: 1, gid: 1 })),
};
// a thread that is started after the drop
const late = new Worker(new URL("./idle-worker.ts", import.meta.url).href);
await new Promise((ready) => late.addEventListener("message", ready));

console.log(JSON.stringify({ drop, mayGain, attempts, uid: process.getuid?.(), groups: process.getgroups?.() }));
for await (const _ of console) break;
process.exit(0);
