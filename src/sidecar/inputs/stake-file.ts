// The stake file of `--model ip-signer-stake`: lines `IP LAMPORTS`, `#` comments, optionally `total LAMPORTS`. Its bytes
// are anybody's: a line that is wrong is named with its number and left out, the others count.

import { parseAddress } from "../../wire/address.ts";
import { entryLines, type ProblemList, Problems, shown } from "./entry-lines.ts";

/** One sender's stake. */
export interface Stake {
  /** 4 octets, or the first 8 of an IPv6 address: senders there count by their /64. */
  readonly octets: Uint8Array;
  readonly lamports: bigint;
}

export interface StakeList extends ProblemList {
  readonly stakes: readonly Stake[];
  /** The sum of all stakes, unless a line said otherwise. */
  readonly totalLamports: bigint;
}

/** Files of this size and more are refused: the largest plausible one is a tenth of it. */
export const STAKE_FILE_MAX_BYTES = 64 * 1024 * 1024;
const U64_MAX = (1n << 64n) - 1n;

/**
 * Reads a stake file's content.
 * @param stakesMax more are left out, as a problem
 */
export function parseStakes(content: Uint8Array, stakesMax: number): StakeList {
  const byAddress = new Map<string, { octets: Uint8Array; lamports: bigint; line: number; text: string }>();
  const problems = new Problems();
  let total: { lamports: bigint; line: number } | undefined;
  let sum = 0n;
  for (const { line: number, text } of entryLines(content)) {
    const [address, amount, ...more] = text.split(/[ \t]+/);
    const lamports = parseLamports(amount);
    if (more.length > 0 || amount === undefined) {
      problems.refuse(number, `${shown(text)} is not "IP LAMPORTS"`);
    } else if (lamports === undefined) {
      problems.refuse(number, `${shown(amount)} is not an amount of lamports from 0 to ${U64_MAX}`);
    } else if (address === "total") {
      if (total === undefined) total = { lamports, line: number };
      else problems.refuse(number, `a second total (the first is in line ${total.line})`);
    } else {
      const octets = parseAddress(address);
      if (octets === undefined) {
        problems.refuse(number, `${shown(address)} is not an IP address`);
        continue;
      }
      const key = octets.join(".");
      const known = byAddress.get(key);
      if (known !== undefined && known.text === address) {
        problems.refuse(number, `${address} stands in line ${known.line} already`);
      } else if (known === undefined && byAddress.size >= stakesMax) {
        problems.refuse(number, `more than ${stakesMax} addresses`);
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
    ...problems,
  };
}

function parseLamports(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  const lamports = BigInt(text);
  return lamports <= U64_MAX ? lamports : undefined;
}
