// How a packet's way can end: the one table of ends, in the order of the way. A row has the end's code, its name, a sentence
// for people, and the reasons that the kernel finds for it. Everything else follows from the rows: the statistics of kind
// `end` (shape/statistics.ts), what a fate's record says, the values of the database's column `ending`, the codes that the
// kernel's compiler reads (shape/reason-codes.ts, written by kernel/build.ts).
//
// To refuse packets for one more reason: add a row to `reasons` of the end that it belongs to (or a new end's row), and the
// check in its place (kernel/packet.as.ts, kernel/transaction.as.ts, or engine/intake.ts for an end of the loop's).
//
// What is persistent: don't renumber and don't rename. An end's code stands in the database's spill file. An end's name is
// a statistic's, a metric's and a database's. Reasons' names stand in the database, their codes in spill files and in what
// `qos decode` prints. Rows may be added and moved.

/** A reason: its code (u8), its name as `qos decode` prints it, and one sentence. */
export type ReasonRow = readonly [code: number, name: string, help: string];

/**
 * `refused`: before it had a score. `left`: from the queue, or at its door. `sent`: on to sigverify. These are the terms of
 * the law. `answer`: what came back for a packet that went out; the packet had its end before.
 */
export type EndKind = "refused" | "left" | "sent" | "answer";

interface EndRow {
  readonly code: number;
  readonly kind: EndKind;
  readonly name: string;
  /** A sentence's end for people: "it ...". */
  readonly help: string;
  /** Its name in databases of version 1. */
  readonly formerly: string;
  /** Whether the packet left unsent and may come again: its transaction is then no longer "seen before". */
  readonly mayReturn?: boolean;
  readonly reasons?: readonly ReasonRow[];
}

// Codes that the loop names. Those of refusals by the kernel are looked up by their reason.
export const END_FAILED_VIEW = 4;
export const END_RECENTLY_PROCESSED = 6;
export const END_DUPLICATE = 7;
export const END_LEAKED = 8;
export const END_EXPIRED = 9;
export const END_RECENTLY_PROCESSED_QUEUED = 10;
export const END_TRANSMITTED = 11;
export const END_FAILED_SIGNATURE = 12;
export const END_INCLUDED = 13;
export const END_NOT_INCLUDED = 14;
export const END_DENIED = 15;
export const END_COPY = 16;
export const END_SIBLING = 17;

const ROWS = [
  {
    code: 1,
    kind: "refused",
    name: "nonIpv4",
    help: "was refused: the sender's address is of a kind not taken",
    formerly: "non-ipv4",
    reasons: [[1, "NON_IPV4", "the sender's address is of no kind that is taken"]],
  },
  {
    code: 2,
    kind: "refused",
    name: "invalidMetaSize",
    help: "was refused: it names more bytes than its payload has room for",
    formerly: "invalid-size",
    reasons: [[2, "INVALID_META_SIZE", "the packet names more bytes than its payload has room for"]],
  },
  {
    code: 3,
    kind: "refused",
    name: "invalidPacketData",
    help: "was refused: the validator had marked it as discarded",
    formerly: "discarded",
    reasons: [[3, "INVALID_PACKET_DATA", "the packet's discard flag is set"]],
  },
  {
    // The structure (engine.md, 3 and 3b); its sender is blamed. Codes 16 to 63.
    code: END_FAILED_VIEW,
    kind: "refused",
    name: "failedView",
    help: "was refused: it has not the structure of a transaction",
    formerly: "malformed",
    reasons: [
      [16, "MALFORMED_EMPTY", "there are no bytes"],
      [17, "MALFORMED_SIGNATURE_COUNT", "the signature count is not 1 to 12"],
      [18, "MALFORMED_SIGNATURES", "the packet ends within the signatures"],
      [19, "MALFORMED_VERSION", "the message's version is missing or unknown"],
      [20, "MALFORMED_HEADER", "the packet ends within the message's header"],
      [21, "MALFORMED_KEY_COUNT", "the number of static keys is not 1 to 38"],
      [22, "MALFORMED_KEYS", "the packet ends within the static keys"],
      [23, "MALFORMED_BLOCKHASH", "the packet ends within the recent blockhash"],
      [24, "MALFORMED_INSTRUCTION_COUNT", "the instruction count is not a compact number"],
      [25, "MALFORMED_INSTRUCTIONS", "fewer than 3 bytes are left for each instruction"],
      [26, "MALFORMED_ACCOUNT_COUNT", "an instruction's account count is not a compact number"],
      [27, "MALFORMED_ACCOUNTS", "the packet ends within an instruction's accounts"],
      [28, "MALFORMED_DATA_LENGTH", "an instruction's data length is not a compact number"],
      [29, "MALFORMED_DATA", "the packet ends within an instruction's data"],
      [30, "MALFORMED_PROGRAM_INDEX", "the packet ends before an instruction"],
      [31, "MALFORMED_LOOKUP_COUNT", "the number of table lookups is missing or above 31"],
      [32, "MALFORMED_LOOKUPS", "fewer than 35 bytes are left for each table lookup"],
      [33, "MALFORMED_LOOKUP_KEY", "the packet ends within a lookup table's key"],
      [34, "MALFORMED_WRITABLE_COUNT", "a lookup's writable count is not a compact number"],
      [35, "MALFORMED_WRITABLE_INDEXES", "the packet ends within writable indexes"],
      [36, "MALFORMED_READONLY_COUNT", "a lookup's read-only count is not a compact number"],
      [37, "MALFORMED_READONLY_INDEXES", "the packet ends within read-only indexes"],
      [38, "MALFORMED_TRAILING_BYTES", "bytes are left behind the transaction"],
      [40, "MALFORMED_PREFIX", "v1: the packet ends within the first 42 bytes"],
      [41, "MALFORMED_CONFIG_MASK", "v1: unknown bits in the config mask, or half a priority fee"],
      [42, "MALFORMED_CONFIG_VALUES", "v1: the packet ends within the config values"],
      [43, "MALFORMED_INSTRUCTION_HEADERS", "v1: it ends within instruction headers"],
      [44, "MALFORMED_INSTRUCTION_PAYLOADS", "v1: it ends within accounts or data"],
      [48, "MALFORMED_LINE", "the line is neither base64 nor a JSON object with a text `tx`"],
      [49, "MALFORMED_BASE64", "the text is not base64"],
      [50, "MALFORMED_OVERSIZED", "more bytes than a packet has room for"],
    ],
  },
  {
    // The sanity rules (engine.md, 3 and 3b). Codes 64 to 95.
    code: 5,
    kind: "refused",
    name: "failedSanitize",
    help: "was refused: it is a transaction that breaks a sanity rule",
    formerly: "unsanitary",
    reasons: [
      [64, "UNSANITARY_SIGNATURE_COUNT", "signatures and required signatures differ"],
      [65, "UNSANITARY_KEY_COUNT", "fewer static keys than signatures"],
      [66, "UNSANITARY_READONLY_SIGNED", "no signer is writable"],
      [67, "UNSANITARY_READONLY_UNSIGNED", "more read-only unsigned than unsigned keys"],
      [68, "UNSANITARY_ACCOUNT_TOTAL", "more than 256 accounts"],
      [69, "UNSANITARY_PROGRAM_INDEX", "a program is the fee payer or no static key"],
      [70, "UNSANITARY_ACCOUNT_INDEX", "an instruction names an account that is not there"],
      [71, "UNSANITARY_EMPTY_LOOKUP", "a table lookup names no account"],
      [72, "UNSANITARY_HEAP_SIZE", "v1: the heap size is not a multiple of 1 KiB in 32-256 KiB"],
      [73, "UNSANITARY_SIGNATURE_LIMIT", "v1: no required signature, or more than 12"],
      [74, "UNSANITARY_KEY_LIMIT", "v1: more than 64 addresses"],
      [75, "UNSANITARY_INSTRUCTION_LIMIT", "v1: more than 64 instructions"],
      [76, "UNSANITARY_SIZE_LIMIT", "legacy or v0: more than 1232 bytes"],
    ],
  },
  {
    code: END_DENIED,
    kind: "refused",
    name: "denied",
    help: "was refused: a list of the operator denies its sender",
    formerly: "denied",
  },
  {
    code: END_RECENTLY_PROCESSED,
    kind: "refused",
    name: "recentlyProcessed",
    help: "was refused: its signature was confirmed recently",
    formerly: "recently-processed",
  },
  {
    code: END_DUPLICATE,
    kind: "refused",
    name: "duplicatePackets",
    help: "was refused: the same packet waits in the queue, or went out",
    formerly: "duplicate",
  },
  {
    code: END_COPY,
    kind: "refused",
    name: "duplicatePayloads",
    help: "was dropped: the same payload had gone out already (model evidence)",
    formerly: "copy",
  },
  {
    code: END_SIBLING,
    kind: "refused",
    name: "nonceSiblings",
    help: "was dropped: another transaction on its durable nonce's value had landed (model evidence)",
    formerly: "nonceSiblings",
  },
  {
    code: END_LEAKED,
    kind: "left",
    name: "leakedPriority",
    help: "was pushed out of the full queue, or never above its lowest score",
    formerly: "pushed-out",
    mayReturn: true,
  },
  {
    code: END_EXPIRED,
    kind: "left",
    name: "expired",
    help: "left the queue for its age",
    formerly: "expired",
    mayReturn: true,
  },
  {
    code: END_RECENTLY_PROCESSED_QUEUED,
    kind: "left",
    name: "recentlyProcessedQueued",
    help: "left the queue: it was confirmed while it waited",
    formerly: "confirmed-in-queue",
  },
  {
    code: END_TRANSMITTED,
    kind: "sent",
    name: "bankingTransmissions",
    help: "was sent on to sigverify",
    formerly: "transmitted",
  },
  {
    code: END_FAILED_SIGNATURE,
    kind: "answer",
    name: "failedSignature",
    help: "failed: sigverify refused its signature",
    formerly: "failed-signature",
  },
  {
    code: END_INCLUDED,
    kind: "answer",
    name: "included",
    help: "was executed and included in a block",
    formerly: "included",
  },
  {
    code: END_NOT_INCLUDED,
    kind: "answer",
    name: "notIncluded",
    help: "was not included by the scheduler",
    formerly: "not-included",
  },
] as const satisfies readonly EndRow[];

export type EndName = (typeof ROWS)[number]["name"];
/** Ends that are terms of the law. */
export type LawEndName = Exclude<(typeof ROWS)[number], { kind: "answer" }>["name"];
export type End = EndRow & { readonly name: EndName };

export const ENDS: readonly End[] = ROWS;

/** A good transaction that the chain never includes (engine.md, 4): its fee is 0, and it is not refused. Codes 96 to 127. */
export const NEVER_REASONS: readonly ReasonRow[] = [
  [96, "NEVER_INSTRUCTION_LIMIT", "never included: more than 64 instructions (SIMD-160)"],
  [97, "NEVER_ACCOUNT_LIMIT", "never included: over 255 accounts in one instruction (SIMD-406)"],
  [98, "NEVER_BUDGET_TWICE", "never included: two compute-budget instructions of one kind"],
  [99, "NEVER_BUDGET_UNKNOWN", "never included: a compute-budget instruction of unknown kind"],
  [100, "NEVER_BUDGET_CUT_SHORT", "never included: a compute-budget instruction is cut short"],
  [101, "NEVER_HEAP_SIZE", "never included: the heap size is not a multiple of 1 KiB in 32-256 KiB"],
  [102, "NEVER_LOADED_DATA_LIMIT", "never included: the loaded-data limit is 0"],
  [103, "NEVER_DUPLICATE_KEY", "never included: an account key stands there twice"],
  [104, "NEVER_LOCK_LIMIT", "never included: more than 128 accounts to lock"],
];

export const REASON_GOOD = 0;

/** The end of each reason's code. A code of no row counts as a broken sanity rule: no packet is left without an end. */
export const END_OF_REASON = new Uint8Array(256).fill(5);
for (const { code, reasons } of ENDS) for (const [reason] of reasons ?? []) END_OF_REASON[reason] = code;

const BY_CODE: readonly (End | undefined)[] = ENDS.reduce<End[]>((table, end) => {
  table[end.code] = end;
  return table;
}, []);

/** @returns undefined for a code that no end has: a damaged record */
export function endOf(code: number): End | undefined {
  return BY_CODE[code];
}

/** @param name as it stands in a database of any version @returns undefined if no end is called so */
export function endNamed(name: string): End | undefined {
  return ENDS.find((end) => end.name === name || end.formerly === name);
}

/**
 * The codes of all reasons as the source that both compilers read: AssemblyScript knows no objects of such a table.
 * kernel/build.ts writes it to shape/reason-codes.ts.
 */
export function reasonCodesSource(): string {
  const constants = (rows: readonly ReasonRow[]): string =>
    rows.map(([code, name]) => `export const ${name} = ${code};\n`).join("");
  const ends = ENDS.flatMap(({ name, reasons }) => (reasons ? [`\n// ${name}\n${constants(reasons)}`] : []));
  return (
    "// The reasons' codes, for the kernel's compiler and for ours. Written by kernel/build.ts from shape/ends.ts: a reason is\n" +
    `// added there.\n\nexport const REASON_GOOD = ${REASON_GOOD};\n${ends.join("")}\n` +
    `// never included\n${constants(NEVER_REASONS)}`
  );
}
