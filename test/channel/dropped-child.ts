// Started as root: joins a channel, gives up root, and then joins again whatever stands at the path, once for each line on
// standard input; each answer is one JSON line. The first one also says how a creation in root's folder ends.

import { dropPrivileges } from "../../ffi/privileges.ts";
import { findUser } from "../../ffi/users.ts";
import { createChannel, joinConsumer, sameFile } from "../../src/channel/files.ts";
import { Arena } from "../../src/shape/arena.ts";
import { smallRegion } from "../tools/small-region.ts";

const [path, rootsFolder, name] = process.argv.slice(2);
const region = smallRegion(64, 48);
const arena = Arena.reserve(4 << 20);
const user = findUser(name);
if (user === undefined) throw new Error(`no user ${name}`);

const first = joinConsumer(arena, region, path);
if (first.state !== "joined") throw new Error(JSON.stringify(first));
dropPrivileges(user);
const created = createChannel(`${rootsFolder}/new`, region);
console.log(JSON.stringify({ state: first.state, same: sameFile(first.channel), created }));
let channel = first.channel;
for await (const _ of console) {
  const same = sameFile(channel);
  if (!same) channel.close();
  const result = joinConsumer(arena, region, path);
  if (result.state === "joined") channel = result.channel;
  console.log(JSON.stringify({ ...result, same }));
}
process.exit(0);
