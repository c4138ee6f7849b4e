import { describe, expect, test } from "bun:test";
import { SystemError } from "../../ffi/libc.ts";
import { channelFileBytes, pagesOf } from "../../src/channel/place.ts";
import {
  refuseCapacity,
  refuseFailure,
  refuseFolder,
  refuseLocked,
  refuseMagic,
  refuseSize,
} from "../../src/channel/refusal.ts";
import { PACKET_LAYOUTS, type PacketLayout } from "../../src/shape/packet-layouts.ts";

const PATH = "/dev/shm/tpu_to_qos";
const failed = (syscall: string, errno: number) => refuseFailure(PATH, SystemError.of(syscall, PATH, errno));

describe("a refusal", () => {
  test("names what was found and what is wanted", () => {
    expect(refuseMagic(PATH, 1n).message).toContain("0x0000000000000001, and 0x4c41524f504d4554 is wanted");
    const shape = { capacity: 64, elementBytes: 16 };
    expect(refuseCapacity(PATH, 2n ** 64n - 1n, 4_096, shape).message).toEndWith(
      "18446744073709551615 elements, and 64 are wanted",
    );
    expect(refuseLocked(PATH, 7).message).toContain("process 7 is its producer");
    expect(refuseLocked(PATH, undefined).message).toContain("another process is its producer");
    expect(refuseFolder(PATH, SystemError.of("open", PATH, 13)).message).toContain("/dev/shm takes no files");
  });

  test("of another packet layout's file names both layouts", () => {
    const shapeOf = (layout: PacketLayout) => ({
      capacity: PACKET_LAYOUTS[layout].capacities.packets,
      elementBytes: PACKET_LAYOUTS[layout].bytes,
    });
    for (const path of [PATH, "/mnt/hugepages/tpu_to_qos"]) {
      const fileBytes = (layout: PacketLayout): number => channelFileBytes(shapeOf(layout), pagesOf(path));
      const capacity = refuseCapacity(path, 16_384n, fileBytes("large"), shapeOf("agave4")).message;
      expect(capacity).toContain("it has packets of --packet-layout large, and this is agave4");
      const size = refuseSize(path, fileBytes("agave2"), fileBytes("agave4"), shapeOf("agave4")).message;
      expect(size).toContain("it has packets of --packet-layout agave2, and this is agave4");
      const cut = refuseSize(path, fileBytes("agave2") / 2, fileBytes("agave2"), shapeOf("agave2")).message;
      expect(cut).toContain("cut short");
    }
  });

  test("of a failed call names its remedy", () => {
    const cases: [string, number, string, RegExp][] = [
      ["open", 13, "permission", /uid \d+, EACCES.*qos init --group/],
      ["open", 1, "permission", /EPERM.*qos init --group/],
      ["fchown", 1, "permission", /cannot be given that owner or group \(EPERM\): run as root/],
      ["posix_fallocate", 28, "memory", /ENOSPC.*\/dev\/shm or the memory of this host/],
      ["mmap", 12, "memory", /ENOMEM/],
      ["madvise", 14, "memory", /EFAULT/],
      ["open", 40, "kind", /symbolic link/],
      ["open", 24, "system", /EMFILE/],
    ];
    for (const [syscall, errno, kind, message] of cases) {
      expect(failed(syscall, errno)).toMatchObject({ state: "refused", kind });
      expect(failed(syscall, errno).message).toMatch(message);
      expect(failed(syscall, errno).message).toContain(PATH);
    }
  });
});
