// How a packet's way can end: one number for each, in the order of the way. The law's refusals and leavings first, then what
// came back for a transmitted one. Plain constants, since the loop writes them and the writer names them.

export const END_NON_IPV4 = 1;
export const END_INVALID_META_SIZE = 2;
export const END_INVALID_PACKET_DATA = 3;
export const END_FAILED_VIEW = 4;
export const END_FAILED_SANITIZE = 5;
export const END_RECENTLY_PROCESSED = 6;
export const END_DUPLICATE = 7;
export const END_LEAKED = 8;
export const END_EXPIRED = 9;
export const END_RECENTLY_PROCESSED_QUEUED = 10;
export const END_TRANSMITTED = 11;
/** Sigverify refused the signature. */
export const END_FAILED_SIGNATURE = 12;
/** The scheduler's answer: executed, or not included in a block. */
export const END_INCLUDED = 13;
export const END_NOT_INCLUDED = 14;
/** An allow or deny list said no (where the sidecar has one). */
export const END_DENIED = 15;
/** The same payload went out already, from this or another sender. */
export const END_COPY = 16;

export interface End {
  readonly code: number;
  /** As in the database. */
  readonly name: string;
  /** A sentence's end for people: "the packet ...". */
  readonly help: string;
}

export const ENDS: readonly End[] = [
  { code: END_NON_IPV4, name: "non-ipv4", help: "was refused: the sender's address is of a kind not taken" },
  {
    code: END_INVALID_META_SIZE,
    name: "invalid-size",
    help: "was refused: it names more bytes than its payload has room for",
  },
  { code: END_INVALID_PACKET_DATA, name: "discarded", help: "was refused: the validator had marked it as discarded" },
  { code: END_FAILED_VIEW, name: "malformed", help: "was refused: not the structure of a transaction" },
  { code: END_FAILED_SANITIZE, name: "unsanitary", help: "was refused: a transaction that breaks a sanity rule" },
  {
    code: END_RECENTLY_PROCESSED,
    name: "recently-processed",
    help: "was refused: its signature was confirmed recently",
  },
  { code: END_DUPLICATE, name: "duplicate", help: "was refused: seen before from the same sender" },
  { code: END_LEAKED, name: "pushed-out", help: "was pushed out of the full queue, or never above its lowest score" },
  { code: END_EXPIRED, name: "expired", help: "left the queue for its age" },
  {
    code: END_RECENTLY_PROCESSED_QUEUED,
    name: "confirmed-in-queue",
    help: "left the queue: confirmed while it waited",
  },
  { code: END_TRANSMITTED, name: "transmitted", help: "was sent on to sigverify" },
  { code: END_FAILED_SIGNATURE, name: "failed-signature", help: "failed: sigverify refused its signature" },
  { code: END_INCLUDED, name: "included", help: "was executed and included in a block" },
  { code: END_NOT_INCLUDED, name: "not-included", help: "was not included by the scheduler" },
  { code: END_COPY, name: "copy", help: "was dropped: the same payload had gone out already" },
  { code: END_DENIED, name: "denied", help: "was refused: a list of the operator denies its sender" },
];

const NAMES: readonly (End | undefined)[] = ENDS.reduce<End[]>((table, end) => {
  table[end.code] = end;
  return table;
}, []);

/** @returns undefined for a code that no end has: a damaged record */
export function endOf(code: number): End | undefined {
  return NAMES[code];
}
