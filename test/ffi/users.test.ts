import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import { findGroup, findUser, groupName, groupsOf, userName } from "../../ffi/users.ts";

/** The rows of /etc/passwd or /etc/group: an oracle without the C library. */
const rowsOf = (file: string): string[][] =>
  fs
    .readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#") && !line.startsWith("+"))
    .map((line) => line.split(":"));

describe("users", () => {
  test("are found by name and by number, as the host's file has them", () => {
    for (const [name, , uid, gid] of rowsOf("/etc/passwd")) {
      expect(findUser(name)).toEqual({ name, uid: Number(uid), gid: Number(gid) });
      expect(findUser(uid)?.uid).toBe(Number(uid));
    }
    expect(userName(0)).toBe("root");
  });

  test("that do not exist are undefined, whatever the text", () => {
    const texts = ["", "no-such-user-here", "a\0b", "root\0", "4294967295", "99999999999", "-1", "1.5", " root"];
    for (const text of texts) expect(findUser(text)).toBeUndefined();
    expect(userName(4_242_424)).toBe("4242424");
  });

  test("have the groups that id names", () => {
    for (const name of ["root", "nobody"]) {
      const user = findUser(name);
      if (user === undefined) continue; // a host may be without nobody
      const said = Bun.spawnSync(["id", "-G", name]).stdout.toString().trim().split(" ").map(Number);
      expect(groupsOf(user)).toEqual(said.sort((a, b) => a - b));
    }
  });
});

describe("groups", () => {
  test("are found by name and by number, as the host's file has them", () => {
    for (const [name, , gid] of rowsOf("/etc/group")) {
      expect(findGroup(name)).toEqual({ name, gid: Number(gid) });
      expect(findGroup(gid)?.gid).toBe(Number(gid));
    }
    expect(groupName(0)).toBe("root");
    expect(groupName(4_242_424)).toBe("4242424");
  });

  test("that do not exist are undefined", () => {
    for (const text of ["", "no-such-group-here", "a\0b", "4294967295"]) expect(findGroup(text)).toBeUndefined();
  });
});
