// What became of senders' packets lately, counted from the running sidecar's ring of fates (fates-file.ts): for
// `qos monitor` and `qos ctl explain`. It only reads.

import { base58 } from "@scure/base";
import type { Trust } from "../channel/owners.ts";
import type { RecentFates } from "../records/fates-reader.ts";
import { IP_KEY_AT, PAYER_KEY_AT, TRAIT_IPV6, TRAITS_AT } from "../shape/digest-layout.ts";
import { END_FAILED_SIGNATURE, END_INCLUDED, END_NOT_INCLUDED, END_TRANSMITTED, endOf } from "../shape/ends.ts";
import { RECORD_BYTES, RECORD_END_AT } from "../shape/record-layout.ts";
import { parseAddress } from "../wire/address.ts";
import { formatAddress } from "../wire/address-text.ts";
import { readFates } from "./fates-file.ts";

export type SenderKind = "ip" | "payer";

const KEYS = { ip: { at: IP_KEY_AT, bytes: 8 }, payer: { at: PAYER_KEY_AT, bytes: 32 } } as const;
/** What comes back for a packet that went out: no end of another packet. */
const AFTERWARDS = new Set([END_FAILED_SIGNATURE, END_INCLUDED, END_NOT_INCLUDED]);

/** Packets of a sender among the recent fates: how many came to an end, and how many of them went out. */
export interface SenderCount {
  packets: number;
  sent: number;
}

/** Counts by sender, by the name that people know. */
export function countSenders({ records, count }: RecentFates, kind: SenderKind): Map<string, SenderCount> {
  const { at: keyAt, bytes } = KEYS[kind];
  const byKey = new Map<string, SenderCount & { isIpv6: boolean; key: Uint8Array }>();
  for (let i = 0; i < count; i++) {
    const at = i * RECORD_BYTES;
    const end = records[at + RECORD_END_AT];
    if (AFTERWARDS.has(end)) continue;
    const key = records.subarray(at + keyAt, at + keyAt + bytes);
    const isIpv6 = kind === "ip" && (records[at + TRAITS_AT] & TRAIT_IPV6) !== 0;
    const name = `${isIpv6} ${Buffer.from(key.buffer, key.byteOffset, bytes).toString("latin1")}`;
    let found = byKey.get(name);
    if (found === undefined) {
      found = { packets: 0, sent: 0, isIpv6, key };
      byKey.set(name, found);
    }
    found.packets += 1;
    if (end === END_TRANSMITTED) found.sent += 1;
  }
  const named = new Map<string, SenderCount>();
  for (const { key, isIpv6, packets, sent } of byKey.values()) {
    named.set(kind === "ip" ? formatAddress(key, isIpv6) : base58.encode(key), { packets, sent });
  }
  return named;
}

export interface RecentOfSender {
  /** Ends looked at, of everybody. */
  readonly looked: number;
  readonly total: number;
  /** By end's name, most first. */
  readonly ends: readonly (readonly [end: string, packets: number])[];
}

/** One sender's ends among the recent fates. @returns undefined if there are no fates to look at */
export function recentOf(prefix: string, kind: SenderKind, sender: string, trust: Trust): RecentOfSender | undefined {
  const fates = readFates(prefix, trust);
  return fates === undefined || typeof fates === "string" ? undefined : endsOf(fates, kind, sender);
}

/** @param sender an address or a payer as people write it */
export function endsOf({ records, count }: RecentFates, kind: SenderKind, sender: string): RecentOfSender | undefined {
  const octets = kind === "ip" ? parseAddress(sender.replace(/\/64$/, "")) : base58.decode(sender);
  if (octets === undefined) return undefined;
  const { at: keyAt, bytes } = KEYS[kind];
  const wanted = Buffer.alloc(bytes);
  wanted.set(octets);
  const isIpv6 = kind === "ip" && octets.length === bytes;
  const ends = new Map<string, number>();
  let total = 0;
  for (let i = 0; i < count; i++) {
    const at = i * RECORD_BYTES;
    if (kind === "ip" && ((records[at + TRAITS_AT] & TRAIT_IPV6) !== 0) !== isIpv6) continue;
    if (wanted.compare(records, at + keyAt, at + keyAt + bytes) !== 0) continue;
    const name = endOf(records[at + RECORD_END_AT])?.name ?? "unknown";
    ends.set(name, (ends.get(name) ?? 0) + 1);
    total += 1;
  }
  return { looked: count, total, ends: [...ends].sort((a, b) => b[1] - a[1]) };
}
