// Messages to the service manager (sd_notify, man 3): datagrams to a unix socket, which Bun has no sockets for.

import { FFIType } from "bun:ffi";
import fs from "node:fs";
import { errno, openLibc, SystemError } from "./libc.ts";

const { i32, u64, ptr } = FFIType;
const libc = openLibc({
  socket: { args: [i32, i32, i32], returns: i32 },
  sendto: { args: [i32, ptr, u64, i32, ptr, i32], returns: i32 },
});

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
const PATH_AT = 2;
const PATH_MAX_BYTES = 108;

/**
 * The address that NOTIFY_SOCKET names: a path, or with a leading `@` a name that has no file.
 * @throws RangeError if it cannot be an address
 */
export function socketAddress(name: string): Uint8Array {
  const path = Buffer.from(name);
  if (path.length === 0 || path.length >= PATH_MAX_BYTES || !/^[/@]/.test(name)) {
    throw new RangeError(`no address of a notification socket: ${name}`);
  }
  const isAbstract = name.startsWith("@");
  const address = new Uint8Array(PATH_AT + path.length + (isAbstract ? 0 : 1));
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(path, PATH_AT);
  if (isAbstract) address[PATH_AT] = 0;
  return address;
}

/**
 * Sends one message without waiting.
 * @param address as `socketAddress` makes it
 * @throws SystemError if no process takes it
 */
export function sendDatagram(address: Uint8Array, message: string): void {
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) throw SystemError.of("socket", "the service manager", errno());
  try {
    const bytes = Buffer.from(message);
    if (libc.sendto(fd, bytes, bytes.length, MSG_DONTWAIT_NOSIGNAL, address, address.length) < 0) {
      throw SystemError.of("sendto", "the service manager", errno());
    }
  } finally {
    fs.closeSync(fd);
  }
}
