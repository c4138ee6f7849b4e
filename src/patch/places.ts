// Where a few lines go into files of others, and how each place is found: by the words that stand there, never by a line's
// number. A place that a version of the validator does not have yet says by which word of the file that is known.
//
// Each line that is put in ends with a mark. So taking the patch out is removing the lines with the mark, whatever version
// of qos put them there, and the rest of the file stays as it is, byte for byte.

import type { CrateName } from "./sources.ts";

/** Ends each line of ours in a file of others. */
export const LINE_MARK = "qos-patch";

/** Lines to be put in at an offset of the text, which is a line's beginning. */
export interface Insertion {
  readonly at: number;
  readonly lines: readonly string[];
}

export interface Place {
  readonly crate: CrateName;
  /** Relative to the crate's folder. */
  readonly file: string;
  /** What stands there, for messages. */
  readonly what: string;
  /** What the lines do. */
  readonly does: string;
  /** A file without a match has no such place, and needs none. */
  readonly neededWhere?: RegExp;
  /** All places in a text (without lines of ours) that fit. Exactly one is right. */
  readonly find: (text: string) => readonly (readonly Insertion[])[];
}

const indentAt = (text: string, at: number): string => /^[ \t]*/.exec(text.slice(at))?.[0] ?? "";

const rust = (indent: string, line: string): string => `${indent}${line} // ${LINE_MARK}`;

/** Lines in front of each match. The match begins at a line's beginning. */
function before(pattern: RegExp, linesOf: (match: RegExpMatchArray) => readonly string[]): Place["find"] {
  return (text) =>
    [...text.matchAll(pattern)].map((match) => {
      const indent = indentAt(text, match.index);
      return [{ at: match.index, lines: linesOf(match).map((line) => rust(indent, line)) }];
    });
}

/** Lines behind each match, which ends with the line that it ends on, one step further in than its first line. */
function inside(pattern: RegExp, line: string): Place["find"] {
  return (text) =>
    [...text.matchAll(pattern)].map((match) => {
      const indent = `${indentAt(text, match.index)}    `;
      return [{ at: match.index + match[0].length, lines: [rust(indent, line)] }];
    });
}

const DEPENDENCY = 'version = "0.8.15"';
const FEATURES = 'features = ["const_xxh3", "xxh3"]';

/** A written manifest has one table of dependencies; a published one has a table for each. */
function findDependencies(text: string): readonly (readonly Insertion[])[] {
  const tables = [...text.matchAll(/^\[dependencies\][ \t]*\n/gm)];
  if (tables.length > 0) {
    const line = `xxhash-rust = { ${DEPENDENCY}, ${FEATURES} } # ${LINE_MARK}`;
    return tables.map((match) => [{ at: match.index + match[0].length, lines: [line] }]);
  }
  const first = /^\[dependencies\.[\w-]+\][ \t]*\n/m.exec(text);
  if (first === null) return [];
  const lines = ["[dependencies.xxhash-rust]", DEPENDENCY, FEATURES].map((line) => `${line} # ${LINE_MARK}`);
  return [[{ at: first.index, lines }]];
}

/** The check of the transactions' signatures: not the one of gossip votes, which has no `reject_non_vote`. */
function findCheck(text: string): readonly (readonly Insertion[])[] {
  const start = /^[ \t]*let \(_, \w+\) = measure_us!\(sigverify::ed25519_verify_serial\(\s*/.source;
  const pattern = new RegExp(`${start}&mut ([\\w.]+),\\s*reject_non_vote,[^;]*;\\n`, "gm");
  return [...text.matchAll(pattern)].map((match) => {
    const indent = indentAt(text, match.index);
    const line = (code: string): string => rust(indent, code);
    return [
      {
        at: match.index,
        lines: [line(`let qos_unchecked = crate::qos_bridge::before_check(&${match[1]}, reject_non_vote);`)],
      },
      {
        at: match.index + match[0].length,
        lines: [line(`crate::qos_bridge::after_check(&${match[1]}, qos_unchecked);`)],
      },
    ];
  });
}

/** The one place where a bank records statuses, with the two parameters that our line reads. */
const COMMITS = new RegExp(
  [
    /^[ \t]*fn update_transaction_statuses\(/,
    /(?=[^{]*\bsanitized_txs: &\[impl TransactionWithMeta\],)/,
    /(?=[^{]*\bprocessing_results: &\[TransactionProcessingResult\],)[^{]*\{\n/,
  ]
    .map(({ source }) => source)
    .join(""),
  "gm",
);

export const PLACES: readonly Place[] = [
  {
    crate: "solana-core",
    file: "Cargo.toml",
    what: "the dependencies",
    does: "adds the crate that computes packet hashes",
    find: findDependencies,
  },
  {
    crate: "solana-core",
    file: "src/lib.rs",
    what: "`pub mod tpu;`",
    does: "names the bridge's module",
    find: before(/^pub mod tpu;\n/gm, () => ["mod qos_bridge;"]),
  },
  {
    crate: "solana-core",
    file: "src/tpu.rs",
    what: "`SigVerifyStage::new(` with its receiver of packets, behind `poh_recorder: &Arc<RwLock<PohRecorder>>`",
    does: "leads packets through the sidecar before their signatures are checked",
    find: (text) =>
      /\bpoh_recorder: &Arc<RwLock<PohRecorder>>,/.test(text)
        ? before(/^[ \t]*let \(sigverify_stage, \w+\) = SigVerifyStage::new\(\s*(\w+),/gm, (match) => [
            `let ${match[1]} = crate::qos_bridge::between(${match[1]}, poh_recorder);`,
          ])(text)
        : [],
  },
  {
    crate: "solana-core",
    file: "src/sigverify.rs",
    what: "`sigverify::ed25519_verify_serial(` with `reject_non_vote`",
    does: "tells which signatures are wrong, and notes the packets whose signatures are right",
    find: findCheck,
  },
  {
    crate: "solana-core",
    file: "src/sigverify.rs",
    what: "`if floor > 0 {`",
    does: "tells no outcome of what the fee floor may drop",
    neededWhere: /priority_floor/,
    find: inside(/^[ \t]*if floor > 0 \{\n/gm, "crate::qos_bridge::dropping();"),
  },
  {
    crate: "solana-core",
    file: "src/sigverify.rs",
    what: "`Ok(evicted) => {`",
    does: "tells no outcome of what a full channel may push out",
    neededWhere: /evict/i,
    find: inside(/^[ \t]*Ok\(evicted\) => \{\n/gm, "crate::qos_bridge::dropping();"),
  },
  {
    crate: "solana-runtime",
    file: "src/lib.rs",
    what: "`pub mod bank;`",
    does: "names the module that tells of commits",
    find: before(/^pub mod bank;\n/gm, () => ["pub mod qos_outcomes;"]),
  },
  {
    crate: "solana-runtime",
    file: "src/bank.rs",
    what: "`fn update_transaction_statuses(` with `sanitized_txs` and `processing_results`",
    does: "tells which transactions are committed, and the compute units that they used",
    find: inside(COMMITS, "crate::qos_outcomes::committed(sanitized_txs, processing_results);"),
  },
];

/** A text without the lines of ours. */
export function withoutOurLines(text: string): string {
  return text
    .split(/(?<=\n)/)
    .filter((line) => !line.trimEnd().endsWith(` ${LINE_MARK}`))
    .join("");
}
