// Saved scores as text, both ways: JSON lines with everything, and the reference's lines `IP SCORE` (addresses alone). What is
// read is somebody's file: a wrong line is named with its number.

import { base58 } from "@scure/base";
import { TRAIT_IPV6 } from "../../shape/digest-layout.ts";
import { parseAddress } from "../../wire/address.ts";
import { formatAddress } from "../../wire/address-text.ts";
import type { SavedScores, SavedTable } from "./checkpoint.ts";

export const SCORES_TEXT_MAX_BYTES = 512 * 1024 * 1024;
const IP_KEY_BYTES = 8;
const PAYER_KEY_BYTES = 32;
const PROBLEMS_MAX = 20;
const SHOWN_MAX = 60;

interface Row {
  readonly key: Uint8Array;
  readonly trait: number;
  readonly score: number;
}

const keyOf = ({ keys, keyBytes }: SavedTable, row: number): Uint8Array =>
  keys.subarray(row * keyBytes, (row + 1) * keyBytes);

/** The saved scores as JSON lines: the model first, then a sender a line. */
export function* jsonLines(saved: SavedScores): Generator<string> {
  yield JSON.stringify({ model: saved.model });
  for (const table of saved.tables) {
    const isIps = table.keyBytes === IP_KEY_BYTES;
    for (let row = 0; row < table.scores.length; row++) {
      const key = keyOf(table, row);
      const isIpv6 = (table.traits[row] & TRAIT_IPV6) !== 0;
      const sender = isIps ? { ip: formatAddress(key, isIpv6) } : { payer: base58.encode(key) };
      yield JSON.stringify({ ...sender, score: table.scores[row] });
    }
  }
}

/** The reference's lines: IPv4 addresses and their scores. */
export function* referenceLines(saved: SavedScores): Generator<string> {
  for (const table of saved.tables) {
    if (table.keyBytes !== IP_KEY_BYTES) continue;
    for (let row = 0; row < table.scores.length; row++) {
      if ((table.traits[row] & TRAIT_IPV6) === 0)
        yield `${formatAddress(keyOf(table, row), false)} ${table.scores[row]}`;
    }
  }
}

export interface ReadScores {
  readonly saved: SavedScores;
  readonly problems: readonly string[];
  readonly problemCount: number;
}

export interface ReadOptions {
  /** Whose scores they are, where the text does not say. */
  readonly model: string;
  /** The older sidecar writes addresses with their octets the other way round. */
  readonly reversed: boolean;
}

/** Reads either form, line by line. */
export function readScores(text: string, { model, reversed }: ReadOptions): ReadScores {
  const ips = new Map<string, Row>();
  const payers = new Map<string, Row>();
  const problems: string[] = [];
  let problemCount = 0;
  let named = model;
  text.split("\n").forEach((raw, index) => {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) return;
    const read = line.startsWith("{") ? jsonRow(line) : referenceRow(line, reversed);
    if (typeof read === "string") {
      problemCount += 1;
      const shown = line.length > SHOWN_MAX ? `${line.slice(0, SHOWN_MAX)}...` : line;
      if (problems.length < PROBLEMS_MAX) problems.push(`line ${index + 1}: ${read}: ${JSON.stringify(shown)}`);
    } else if ("model" in read) named = read.model;
    else (read.key.length === IP_KEY_BYTES ? ips : payers).set(`${read.trait} ${read.key.join(".")}`, read);
  });
  const saved = {
    model: named,
    tables: [tableOf("ips", IP_KEY_BYTES, [...ips.values()]), tableOf("payers", PAYER_KEY_BYTES, [...payers.values()])],
  };
  return { saved, problems, problemCount };
}

function tableOf(name: string, keyBytes: number, rows: readonly Row[]): SavedTable {
  const keys = new Uint8Array(rows.length * keyBytes);
  rows.forEach(({ key }, row) => {
    keys.set(key, row * keyBytes);
  });
  return {
    name,
    keyBytes,
    keys,
    traits: Uint8Array.from(rows, ({ trait }) => trait),
    scores: Float64Array.from(rows, ({ score }) => score),
  };
}

function ipRow(text: string, score: number, reversed: boolean): Row | undefined {
  const octets = parseAddress(text.replace(/\/64$/, ""));
  if (octets === undefined) return undefined;
  const key = new Uint8Array(IP_KEY_BYTES);
  key.set(reversed && octets.length === 4 ? octets.toReversed() : octets);
  return { key, trait: octets.length === IP_KEY_BYTES ? TRAIT_IPV6 : 0, score };
}

function referenceRow(line: string, reversed: boolean): Row | string {
  const [address, amount, ...more] = line.split(/\s+/);
  const score = amount === undefined || amount === "" ? Number.NaN : Number(amount);
  if (more.length > 0 || !Number.isFinite(score)) return 'it is not "IP SCORE"';
  return ipRow(address, score, reversed) ?? "that is no IP address";
}

function jsonRow(line: string): Row | { model: string } | string {
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch {
    return "it is no JSON";
  }
  const { model, ip, payer, score } = content as Record<string, unknown>;
  if (typeof model === "string" && score === undefined) return { model };
  if (typeof score !== "number" || !Number.isFinite(score)) return "it has no score";
  if (typeof ip === "string") return ipRow(ip, score, false) ?? "that is no IP address";
  if (typeof payer !== "string" || payer.length > 44) return "it names neither ip nor payer";
  try {
    const key = base58.decode(payer);
    return key.length === PAYER_KEY_BYTES ? { key, trait: 0, score } : "that is not a fee payer";
  } catch {
    return "that is not a fee payer";
  }
}
