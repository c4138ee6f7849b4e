// The stake file of `--model ip-signer-stake`: lines `IP LAMPORTS`, `#` comments, optionally `total LAMPORTS`. Its bytes
// are anybody's: a line that is wrong is named with its number and left out, the others count.

import { parseAddress } from "../../wire/address.ts";

/** One sender's stake. */
export interface Stake {
  /** 4 octets, or the first 8 of an IPv6 address: senders there count by their /64. */
  readonly octets: Uint8Array;
  readonly lamports: bigint;
}

export interface StakeList {
  readonly stakes: readonly Stake[];
  /** The sum of all stakes, unless a line said otherwise. */
  readonly totalLamports: bigint;
  /** What was left out, each with its line's number, at most MOST_PROBLEMS of them. */
  readonly problems: readonly string[];
  readonly problemCount: number;
}

/** Files of this size and more are refused: the largest plausible one is a tenth of it. */
export const STAKE_FILE_MAX_BYTES = 64 * 1024 * 1024;
const MOST_PROBLEMS = 20;
/** What a message repeats of a bad line. */
const SHOWN_CHARACTERS = 60;
const U64_MAX = (1n << 64n) - 1n;

/**
 * Reads a stake file's content.
 * @param mostStakes more are left out, as a problem
 */
export function parseStakes(content: Uint8Array, mostStakes: number): StakeList {
  const byAddress = new Map<string, { octets: Uint8Array; lamports: bigint; line: number; text: string }>();
  const problems: string[] = [];
  let problemCount = 0;
  let total: { lamports: bigint; line: number } | undefined;
  let sum = 0n;
  const refuse = (line: number, why: string): void => {
    problemCount += 1;
    if (problems.length < MOST_PROBLEMS) problems.push(`line ${line}: ${why}`);
  };

  const lines = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString("latin1").split("\n");
  for (const [index, raw] of lines.entries()) {
    const number = index + 1;
    const text = raw.replace(/#.*/, "").trim();
    if (text === "") continue;
    const [address, amount, ...more] = text.split(/[ \t]+/);
    const lamports = parseLamports(amount);
    if (more.length > 0 || amount === undefined) {
      refuse(number, `${show(text)} is not "IP LAMPORTS"`);
    } else if (lamports === undefined) {
      refuse(number, `${show(amount)} is no amount of lamports from 0 to ${U64_MAX}`);
    } else if (address === "total") {
      if (total === undefined) total = { lamports, line: number };
      else refuse(number, `a second total (the first is in line ${total.line})`);
    } else {
      const octets = parseAddress(address);
      if (octets === undefined) {
        refuse(number, `${show(address)} is no IP address`);
        continue;
      }
      const key = octets.join(".");
      const known = byAddress.get(key);
      if (known !== undefined && known.text === address) {
        refuse(number, `${address} stands in line ${known.line} already`);
      } else if (known === undefined && byAddress.size >= mostStakes) {
        refuse(number, `more than ${mostStakes} addresses`);
      } else if (known !== undefined) {
        // Another address of the same /64: one sender to us.
        byAddress.set(key, { ...known, lamports: known.lamports + lamports });
        sum += lamports;
      } else {
        byAddress.set(key, { octets, lamports, line: number, text: address });
        sum += lamports;
      }
    }
  }
  return {
    stakes: [...byAddress.values()].map(({ octets, lamports }) => ({ octets, lamports })),
    totalLamports: total?.lamports ?? sum,
    problems,
    problemCount,
  };
}

function parseLamports(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  const lamports = BigInt(text);
  return lamports <= U64_MAX ? lamports : undefined;
}

function show(text: string): string {
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
  return JSON.stringify(shown);
}
