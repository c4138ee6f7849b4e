import { describe, expect, test } from "bun:test";
import { Failure } from "../../../src/failure.ts";
import { type RightsRequest, userToBecome } from "../../../src/sidecar/process/rights.ts";

const USERS = [
  { name: "root", uid: 0, gid: 0 },
  { name: "sol", uid: 1_000, gid: 1_000 },
  { name: "toor", uid: 0, gid: 0 },
];
const find = (who: string) => USERS.find(({ name, uid }) => name === who || `${uid}` === who);
const become = (request: Partial<RightsRequest>) =>
  userToBecome({ effectiveUid: 0, user: undefined, allowRoot: false, sudoUser: undefined, ...request }, find)?.name;

describe("as root", () => {
  test("becomes --user, else whoever called sudo", () => {
    expect(become({ user: "sol" })).toBe("sol");
    expect(become({ user: "1000" })).toBe("sol");
    expect(become({ sudoUser: "sol" })).toBe("sol");
    expect(become({ user: "sol", sudoUser: "root", allowRoot: true })).toBe("sol");
  });

  test("stays only where that is said", () => {
    expect(become({ allowRoot: true })).toBeUndefined();
    expect(become({ allowRoot: true, sudoUser: "sol" })).toBeUndefined();
    for (const sudoUser of [undefined, "", "root"]) {
      expect(() => become({ sudoUser })).toThrow(Failure);
      expect(() => become({ sudoUser })).toThrow(/--user NAME.*--allow-root/);
    }
  });

  test("refuses users that are unknown, or root by another name", () => {
    expect(() => become({ user: "nobody-here" })).toThrow("--user nobody-here: this host knows no such user");
    expect(() => become({ user: "toor" })).toThrow("--user toor: that user is root");
    expect(() => become({ sudoUser: "gone" })).toThrow("SUDO_USER gone: this host knows no such user");
  });
});

describe("not as root", () => {
  test("stays who it is", () => {
    expect(become({ effectiveUid: 1_000 })).toBeUndefined();
    expect(become({ effectiveUid: 1_000, user: "sol" })).toBeUndefined();
    expect(become({ effectiveUid: 1_000, sudoUser: "sol" })).toBeUndefined();
  });

  test("cannot become another", () => {
    expect(() => become({ effectiveUid: 1_001, user: "sol" })).toThrow("--user sol: only root can become another user");
    expect(() => become({ effectiveUid: 1_001, user: "gone" })).toThrow(Failure);
  });
});
