// Where a channel's file lives, what it is called and how large it is (spec: wire.md, 1).

import { HUGE_PAGE_BYTES, HUGE_PAGES_FOLDER, hugePageMountProblem, hugePageShortage } from "../../ffi/huge-pages.ts";
import { SystemError } from "../../ffi/libc.ts";
import { fileSystemRoom, PAGE_BYTES } from "../../ffi/shared-memory.ts";
import { channelBytes } from "../shape/channel-header.ts";

export type PageKind = "standard" | "huge";

/** Where the channels of one sidecar lie. */
export interface ChannelPlace {
  readonly pages: PageKind;
  /** Put before each channel's name; may be empty. */
  readonly prefix: string;
}

/** Capacity (elements, a power of two) and element size that a channel must have. */
export interface ChannelShape {
  readonly capacity: number;
  readonly elementBytes: number;
}

export const STANDARD_PAGES_FOLDER = "/dev/shm";
const FILE_NAME_MAX_BYTES = 255;
/** The longest name of a channel, or longer. */
const CHANNEL_NAME_MAX_BYTES = "tx_status_cache".length;

/** Why a prefix cannot be used, or undefined. */
export function prefixProblem(prefix: string): string | undefined {
  if (!/^[A-Za-z0-9._-]*$/.test(prefix)) {
    return `the prefix ${JSON.stringify(prefix)} may hold letters, digits, dots, underscores and hyphens only`;
  }
  const max = FILE_NAME_MAX_BYTES - CHANNEL_NAME_MAX_BYTES;
  return prefix.length > max ? `the prefix has ${prefix.length} characters, and ${max} are the most` : undefined;
}

function channelFolder(pages: PageKind): string {
  return pages === "huge" ? HUGE_PAGES_FOLDER : STANDARD_PAGES_FOLDER;
}

/**
 * @param name a channel's name, without prefix
 * @throws RangeError for a prefix that `prefixProblem` names
 */
export function channelPath(place: ChannelPlace, name: string): string {
  const problem = prefixProblem(place.prefix);
  if (problem !== undefined) throw new RangeError(problem);
  return `${channelFolder(place.pages)}/${place.prefix}${name}`;
}

/** The kind of pages that a channel's path stands for. */
export function pagesOf(path: string): PageKind {
  return path.startsWith(`${HUGE_PAGES_FOLDER}/`) ? "huge" : "standard";
}

export function pageBytesOf(pages: PageKind): number {
  return pages === "huge" ? HUGE_PAGE_BYTES : PAGE_BYTES;
}

/** Bytes of a channel's file: the struct, rounded up to whole pages. */
export function channelFileBytes(shape: ChannelShape, pages: PageKind): number {
  const page = pageBytesOf(pages);
  return Math.ceil(channelBytes(shape.capacity, shape.elementBytes) / page) * page;
}

/** Why new files of `bytes` in all cannot be had, with what to do; undefined if they can. */
export function roomProblem(pages: PageKind, bytes: number): string | undefined {
  if (pages === "huge") return hugePageMountProblem() ?? hugePageShortage(Math.ceil(bytes / HUGE_PAGE_BYTES));
  try {
    const room = fileSystemRoom(STANDARD_PAGES_FOLDER);
    if (room.free >= bytes) return undefined;
    const mib = (count: number): number => Math.ceil(count / 1_048_576);
    const size = `${mib(room.bytes + bytes - room.free)}M`;
    return (
      `${mib(bytes)} MiB are needed in ${STANDARD_PAGES_FOLDER} and ${mib(room.free)} MiB are free; remove files there, ` +
      `or as root: mount -o remount,size=${size} ${STANDARD_PAGES_FOLDER}`
    );
  } catch (error) {
    if (error instanceof SystemError) return error.message;
    throw error;
  }
}

/**
 * Where a file lies that the sidecar shares with other processes beside its channels.
 * @param name prefix and the file's own name
 */
export function sharedPath(name: string): string {
  return `${STANDARD_PAGES_FOLDER}/${name}`;
}
