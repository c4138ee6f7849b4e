// Why a channel's file is not joined or created, as a value with a sentence for the operator. Nothing of a refused file
// has been changed.

import { hugePageGroupNote, hugePageShortage } from "../../ffi/huge-pages.ts";
import type { SystemError } from "../../ffi/libc.ts";
import { MAGIC } from "../shape/channel-header.ts";
import { layoutOfBytes, PACKET_LAYOUT_NAMES, PACKET_LAYOUTS } from "../shape/packet-layouts.ts";
import { type ChannelShape, channelFileBytes, pagesOf, STANDARD_PAGES_FOLDER } from "./place.ts";

/**
 * `kind`: not a regular file. `owner`: somebody's whom we do not believe. `locked`: another producer holds it. `pages`: its
 * kind of pages is missing or not supported.
 * `memory`: the host has too little. `system`: another failed call.
 */
export type RefusalKind =
  | "kind"
  | "owner"
  | "permission"
  | "size"
  | "magic"
  | "capacity"
  | "locked"
  | "pages"
  | "memory"
  | "system";

export interface Refused {
  readonly state: "refused";
  readonly kind: RefusalKind;
  /** What was wanted, what was found, what to do. */
  readonly message: string;
  /** Whether it is a channel of another packet layout. */
  readonly isOtherLayout: boolean;
}

export function refuse(kind: RefusalKind, message: string, isOtherLayout = false): Refused {
  return { state: "refused", kind, message, isOtherLayout };
}

export function refuseKind(path: string, found: "folder" | "link" | "other"): Refused {
  const what = { folder: "a folder", link: "a symbolic link", other: "a FIFO, a socket or a device" }[found];
  return refuse("kind", `${path} is ${what} and no channel: remove it`);
}

export function refuseSize(path: string, found: number, wanted: number, shape: ChannelShape): Refused {
  const wants = `${path} has ${found} bytes, and ${wanted} are wanted for ${shape.capacity} elements of ${shape.elementBytes} bytes`;
  const layouts = layoutsNote(path, found, shape);
  const why = layouts ?? "no --packet-layout of qos has that size: cut short, or another program's";
  return refuse("size", `${wants} (${why}; qos init --force makes it anew)`, layouts !== undefined);
}

/** Which packet layout a file of this size has, and which is wanted; undefined if the size does not tell. */
function layoutsNote(path: string, found: number, shape: ChannelShape): string | undefined {
  const wanted = layoutOfBytes(shape.elementBytes);
  const made = PACKET_LAYOUT_NAMES.find((name) => {
    const { bytes: elementBytes, capacities } = PACKET_LAYOUTS[name];
    return channelFileBytes({ capacity: capacities.packets, elementBytes }, pagesOf(path)) === found;
  });
  if (wanted === undefined || made === undefined || made === wanted) return undefined;
  return `it has packets of --packet-layout ${made}, and this is ${wanted}`;
}

export function refuseMagic(path: string, found: bigint): Refused {
  const hex = (value: bigint): string => `0x${value.toString(16).padStart(16, "0")}`;
  return refuse(
    "magic",
    `${path} is not a channel: its magic is ${hex(found)}, and ${hex(MAGIC)} is wanted (another program's file, or damaged)`,
  );
}

/** @param bytes of the file that was found */
export function refuseCapacity(path: string, found: bigint, bytes: number, shape: ChannelShape): Refused {
  const layouts = layoutsNote(path, bytes, shape);
  const why = layouts === undefined ? "" : ` (${layouts}; qos init --force makes it anew)`;
  const message = `${path} has a capacity of ${found} elements, and ${shape.capacity} are wanted${why}`;
  return refuse("capacity", message, layouts !== undefined);
}

export function refuseLocked(path: string, holder: number | undefined): Refused {
  const who = holder === undefined ? "another process" : `process ${holder}`;
  return refuse(
    "locked",
    `${path} is in use: ${who} is its producer already (stop that one, or take another --prefix)`,
  );
}

export function refuseFolder(path: string, error: SystemError): Refused {
  const folder = path.slice(0, path.lastIndexOf("/"));
  const message =
    `${path} cannot be created: ${folder} takes no files of this process (uid ${process.geteuid?.()}, ${error.code}); ` +
    "create the channels as root, with qos init --group GROUP";
  return refuse("permission", message);
}

/** A failed system call as a refusal with its remedy. */
export function refuseFailure(path: string, error: SystemError): Refused {
  switch (error.code) {
    case "EACCES":
    case "EPERM":
      if (error.syscall.includes("chown")) {
        return refuse(
          "permission",
          `${path} cannot be given that owner or group (${error.code}): run as root or as a member`,
        );
      }
      return refuse(
        "permission",
        `${path} may not be used by this process (uid ${process.geteuid?.()}, ${error.code}): create the channels with ` +
          "qos init --group GROUP, a group in which both the validator's user and this one are",
      );
    case "ENOSPC":
    case "ENOMEM":
    case "EFAULT": // pages of a mapping that cannot be had
    case "EHWPOISON": {
      const full = `${STANDARD_PAGES_FOLDER} or the memory of this host (or of its control group) is full`;
      const why = pagesOf(path) === "huge" ? (hugePageShortage(1) ?? `too few huge pages${hugePageGroupNote()}`) : full;
      return refuse("memory", `${error.message}: ${why}`);
    }
    case "ELOOP":
      return refuseKind(path, "link");
    default:
      return refuse("system", error.message);
  }
}
