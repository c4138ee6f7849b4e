import { afterAll, describe, expect, test } from "bun:test";
import fs from "node:fs";
import { dropPrivileges, PrivilegeError, proveDropped } from "../../ffi/privileges.ts";
import { findUser, groupsOf } from "../../ffi/users.ts";
import { openPrograms } from "../tools/open-tree.ts";
import { freshPath, removeFiles } from "../tools/shared-files.ts";

afterAll(removeFiles);

const isRoot = process.getuid?.() === 0;
const nobody = findUser("nobody");

describe("refusals, without any change", () => {
  test("root is no user to drop to, under whatever name", () => {
    for (const name of ["root", "toor"]) {
      expect(() => dropPrivileges({ name, uid: 0, gid: 100 })).toThrow(PrivilegeError);
      expect(() => dropPrivileges({ name, uid: 0, gid: 100 })).toThrow(/uid 0/);
    }
    expect(process.getgid?.()).toBe(process.getegid?.());
  });

  test("a thread that still is somebody else is named", () => {
    const stranger = { name: "stranger", uid: 4_242_424, gid: 4_242_424 };
    expect(() => proveDropped(stranger, [])).toThrow(/privileges stay: thread \d+ has Uid .* 4242424 4242424/);
  });
});

// only root has something to drop
describe.skipIf(!isRoot || nobody === undefined)("the drop (needs root and the user nobody)", () => {
  test("holds on every thread, and nothing brings root back", async () => {
    const secret = freshPath();
    fs.writeFileSync(secret, "root's own", { mode: 0o600 });
    const here = import.meta.dir;
    const open = await openPrograms(`${here}/privileges-child.ts`, `${here}/idle-worker.ts`);
    const child = Bun.spawn([process.execPath, `${open.folder}/privileges-child.ts`, "nobody", secret], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    let text = "";
    for await (const chunk of child.stdout) {
      text += new TextDecoder().decode(chunk);
      if (text.includes("\n")) break;
    }
    const said = JSON.parse(text) as {
      drop: string;
      mayGain: number[];
      attempts: Record<string, string>;
      uid: number;
      groups: number[];
    };
    expect(said.drop).toBe("done");
    expect(said.mayGain).toEqual([]);
    expect(said.uid).toBe(nobody?.uid ?? -1);
    for (const outcome of Object.values(said.attempts)) expect(outcome).not.toBe("done");
    expect(said.attempts.rootsFile).toContain("EACCES");
    expect(said.attempts.again).toContain("PrivilegeError");

    // the kernel's word, read from outside
    const threads = fs.readdirSync(`/proc/${child.pid}/task`);
    expect(threads.length).toBeGreaterThanOrEqual(5);
    const groups = groupsOf(nobody as NonNullable<typeof nobody>);
    for (const thread of threads) {
      const status = fs.readFileSync(`/proc/${child.pid}/task/${thread}/status`, "utf8");
      const ids = (name: string) =>
        new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1].trim().split(/\s+/).map(Number);
      expect(ids("Uid")).toEqual(Array(4).fill(nobody?.uid));
      expect(ids("Gid")).toEqual(Array(4).fill(nobody?.gid));
      expect(ids("Groups")).toEqual(groups);
      expect(status).toMatch(/^CapEff:\s*0+$/m);
      expect(status).toMatch(/^CapPrm:\s*0+$/m);
      expect(status).toMatch(/^NoNewPrivs:\s*1$/m);
    }
    child.stdin.write("\n");
    child.stdin.end();
    expect(await child.exited).toBe(0);
    open.remove();
  });
});

const asNobody = ["setpriv", "--reuid=nobody", "--regid", String(nobody?.gid), "--init-groups", "--inh-caps=-all"];
const own = isRoot ? undefined : findUser(String(process.getuid?.()));
/** A session may have other groups than its user: then nothing that it "drops" to is what it is. */
const hasOwnGroups =
  own !== undefined && String(groupsOf(own)) === String((process.getgroups?.() ?? []).sort((a, b) => a - b));
const canSwitch = isRoot ? nobody !== undefined && Bun.which("setpriv") !== null : hasOwnGroups;

test.skipIf(!canSwitch)(
  "a way back to root that is open ends the drop (needs setpriv as root, or the own user's groups)",
  async () => {
    const open = await openPrograms(`${import.meta.dir}/way-back-child.ts`);
    const command = [...(isRoot ? asNobody : []), process.execPath, `${open.folder}/way-back-child.ts`];
    const said = (way: string): string => {
      const child = Bun.spawnSync([...command, way], { cwd: "/", stdout: "pipe", stderr: "inherit" });
      return child.stdout.toString().trim();
    };
    expect(said("none")).toBe("dropped");
    for (const way of ["setresuid", "seteuid", "setgroups", "setresgid"]) {
      expect(said(way)).toMatch(new RegExp(`^PrivilegeError: privileges came back: ${way}\\(.*\\) succeeded as user `));
    }
    open.remove();
  },
);
