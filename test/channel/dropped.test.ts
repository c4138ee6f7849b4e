import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { findUser } from "../../ffi/users.ts";
import { createChannel } from "../../src/channel/files.ts";
import { openPrograms } from "../tools/open-tree.ts";
import { freshPath, removeFiles } from "../tools/shared-files.ts";
import { linesOf } from "../tools/stream-lines.ts";

afterAll(removeFiles);

const nobody = findUser("nobody");
const SHAPE = { capacity: 64, elementBytes: 48 };

// only root has privileges to drop
describe.skipIf(process.getuid?.() !== 0 || nobody === undefined)(
  "a channel that is re-created after the drop (needs root and the user nobody)",
  () => {
    test("is joined again where its group allows it, else the refusal says how to make it so", async () => {
      const path = freshPath();
      createChannel(path, SHAPE);
      const rootsFolder = freshPath();
      fs.mkdirSync(rootsFolder, { mode: 0o755 });
      const open = await openPrograms(`${import.meta.dir}/dropped-child.ts`);
      const child = Bun.spawn([process.execPath, `${open.folder}/dropped-child.ts`, path, rootsFolder, "nobody"], {
        stdin: "pipe",
        stdout: "pipe",
        stderr: "inherit",
      });
      const lines = linesOf(child.stdout);
      const answer = async () => JSON.parse((await lines.next()).value ?? "null");
      const again = async () => {
        child.stdin.write("again\n");
        child.stdin.flush();
        return await answer();
      };
      const first = await answer();
      expect(first).toMatchObject({ state: "joined", same: true, created: { state: "refused", kind: "permission" } });
      expect(first.created.message).toContain(`${rootsFolder} takes no files of this process`);
      expect(fs.readdirSync(rootsFolder)).toEqual([]);

      fs.rmSync(path);
      expect(await again()).toEqual({ state: "absent", same: false });
      createChannel(path, SHAPE, { mode: 0o600 });
      const refused = await again();
      expect(refused).toMatchObject({ state: "refused", kind: "permission", same: false });
      expect(refused.message).toContain(path);
      expect(refused.message).toContain("qos init --group");
      fs.rmSync(path);
      createChannel(path, SHAPE, { mode: 0o660, gid: nobody?.gid ?? 0 });
      expect(await again()).toMatchObject({ state: "joined", same: false });
      child.stdin.end();
      expect(await child.exited).toBe(0);
      open.remove();
    });
  },
);
