// The files of `--allow` and `--deny`: a line an address (`1.2.3.4`, `2001:db8::1`), a prefix (`10.0.0.0/8`, `2001:db8::/32`)
// or a key in base58, which is that of a fee payer or of a staked peer; `#` begins a comment. Its bytes are anybody's: a line
// that is wrong is named with its number and left out, the others count.

import { base58 } from "@scure/base";
import { parseAddress, prefixMask } from "../../wire/address.ts";
import { entryLines, type ProblemList, Problems, shown } from "./entry-lines.ts";

export const LIST_FILE_MAX_BYTES = 16 * 1024 * 1024;
const PAYER_BYTES = 32;
const PAYER_CHARACTERS_MAX = 44;

export interface SenderList extends ProblemList {
  /** 4 octets or the first 8 of an IPv6 address, and how many bits of them count. */
  readonly prefixes: readonly { readonly octets: Uint8Array; readonly bits: number }[];
  /** 32 bytes each. */
  readonly payers: readonly Uint8Array[];
}

/**
 * Reads a list's content.
 * @param entriesMax more are left out, as a problem
 */
export function parseList(content: Uint8Array, entriesMax: number): SenderList {
  const prefixes = new Map<string, { octets: Uint8Array; bits: number }>();
  const payers = new Map<string, Uint8Array>();
  const problems = new Problems();
  for (const { line, text } of entryLines(content)) {
    const prefix = parsePrefix(text);
    const payer = prefix === undefined ? parsePayer(text) : undefined;
    if (prefix === undefined && payer === undefined) {
      problems.refuse(line, `${shown(text)} is not an address, a prefix or a key`);
    } else if (prefixes.size + payers.size >= entriesMax) {
      problems.refuse(line, `more than ${entriesMax} entries`);
    } else if (prefix !== undefined) {
      prefixes.set(`${prefix.octets.join(".")}/${prefix.bits}`, prefix);
    } else if (payer !== undefined) payers.set(text, payer);
  }
  return { prefixes: [...prefixes.values()], payers: [...payers.values()], ...problems };
}

/**
 * An address or a prefix. An IPv6 address, like a prefix longer than /64, stands for its /64, since senders are counted by
 * those.
 */
function parsePrefix(text: string): { octets: Uint8Array; bits: number } | undefined {
  const [address, length, ...more] = text.split("/");
  if (more.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length))) return undefined;
  const octets = parseAddress(address);
  if (octets === undefined) return undefined;
  const most = octets.length * 8;
  const isMapped = octets.length === 4 && address.includes(":");
  const given = length === undefined ? most : Number(length) - (isMapped ? 96 : 0);
  if (given < 0 || given > (octets.length === 4 ? 32 : 128)) return undefined;
  const bits = Math.min(given, most);
  // What stands behind the prefix does not count: 10.1.2.3/8 is 10.0.0.0/8.
  const mask = prefixMask(octets.length, bits);
  const kept = octets.map((octet, i) => octet & mask[i]);
  return { octets: kept, bits };
}

function parsePayer(text: string): Uint8Array | undefined {
  if (text.length > PAYER_CHARACTERS_MAX) return undefined;
  try {
    const key = base58.decode(text);
    return key.length === PAYER_BYTES ? key : undefined;
  } catch {
    return undefined;
  }
}
