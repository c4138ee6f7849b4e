// Traffic from a file of real transactions, again and again, at a fixed rate. The first signature of each packet is salted
// with its number, so that all are unique; payload, fee and limit stay what they are.
//
// The file has one JSON object a line: `tx` (base64 of the wire bytes) and, where known, `cu` (compute units that it used).
// Every line is checked with the sidecar's own parser. A line without a transaction ends the command, which names it.

import { Failure } from "../failure.ts";
import { PUBKEY_BYTES, SIGNATURE_BYTES } from "../shape/packet-layout.ts";
import { PACKET_LAYOUTS } from "../shape/packet-layouts.ts";
import type { ValidatorMemory } from "./memory.ts";
import { type PacketMaker, type PacketMemory, portOf } from "./packet-maker.ts";
import { mix32, Random } from "./random.ts";
import { emptyTruth, GOOD_SIGNATURE, HONEST, LANDS, PARSABLE, type Trace } from "./trace.ts";
import type { PacketSink } from "./traffic.ts";

/** Senders that a corpus is spread over: 10.0.0.0 and the ones behind it. */
const ADDRESSES = 64;
const FIRST_ADDRESS = 0x0a000000;
const CHANNELS_USED = 4;
export const NANOS_PER_UNIT = 10;
/** Used share of the limit, if the file does not say. */
export const USUAL_USE = 0.6;
const V1_FIRST_BYTE = 0x81;
const BYTES_MIN = 1 + SIGNATURE_BYTES;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

export interface CorpusEntry {
  readonly bytes: Uint8Array;
  /** Offset of the first signature. */
  readonly signatureAt: number;
  /** Offset of the recent blockhash, or of a durable nonce's value in its place. */
  readonly blockhashAt: number;
  readonly fee: number;
  readonly askedUnits: number;
  readonly usedUnits: number;
  /** Whether the chain would take it. */
  readonly lands: boolean;
}

/**
 * Reads a corpus.
 * @throws Failure with the line's number
 */
export function readCorpus(text: string, source: string, memory: ValidatorMemory): CorpusEntry[] {
  const entries: CorpusEntry[] = [];
  text.split("\n").forEach((line, index) => {
    if (line.trim() === "") return;
    const problem = (what: string): never => {
      throw new Failure(`${source}:${index + 1}: ${what}`);
    };
    entries.push(readLine(line, problem, memory));
  });
  if (entries.length === 0) throw new Failure(`${source} has no transactions`);
  return entries;
}

function readLine(line: string, problem: (what: string) => never, memory: ValidatorMemory): CorpusEntry {
  let data: unknown;
  try {
    data = JSON.parse(line);
  } catch {
    return problem("is no JSON");
  }
  const { tx, cu } = (data !== null && typeof data === "object" ? data : {}) as { tx?: unknown; cu?: unknown };
  if (typeof tx !== "string") return problem('has no text "tx"');
  if (!BASE64.test(tx) || tx.length % 4 !== 0) return problem('"tx" is not base64');
  const bytes = new Uint8Array(Buffer.from(tx, "base64"));
  const { payloadMaxBytes, sizeAt } = PACKET_LAYOUTS[memory.layout.options.packetLayout];
  if (bytes.length < BYTES_MIN || bytes.length > payloadMaxBytes) {
    return problem(`"tx" has ${bytes.length} bytes, and a transaction has ${BYTES_MIN} to ${payloadMaxBytes}`);
  }
  const { arena, scratchAt, digests } = memory;
  arena.u8.fill(0, scratchAt, scratchAt + memory.packetBytes);
  arena.u8.set(bytes, scratchAt);
  arena.view.setUint32(scratchAt + sizeAt, bytes.length, true);
  const reason = digests.read(scratchAt);
  if (reason !== 0) return problem(`"tx" is not a valid transaction (reason ${reason})`);
  if (bytes[0] === V1_FIRST_BYTE)
    return problem("v1 transactions end with their signatures; they cannot be salted yet");
  const { computeUnits, fee, isNever, keysOffset } = digests;
  const known = typeof cu === "number" && Number.isSafeInteger(cu) && cu >= 0;
  return {
    bytes,
    signatureAt: 1,
    blockhashAt: keysOffset + PUBKEY_BYTES * bytes[keysOffset - 1],
    fee,
    askedUnits: computeUnits,
    usedUnits: Math.max(1, known ? Math.min(cu, 0xffffffff) : Math.round(computeUnits * USUAL_USE)),
    lands: !isNever,
  };
}

/** The bytes of a corpus' transactions. */
export class CorpusPackets implements PacketMaker {
  readonly #salt: number;

  constructor(
    private readonly entries: readonly CorpusEntry[],
    seed: bigint,
  ) {
    this.#salt = new Random(seed, "corpus").word();
  }

  writePayload({ u8 }: PacketMemory, at: number, transaction: number): number {
    const { bytes, signatureAt, blockhashAt } = this.entries[transaction % this.entries.length];
    u8.set(bytes, at);
    // One byte of each eight, so that the signature's key (wire.md, 9) differs as well.
    const low = transaction ^ this.#salt;
    const high = mix32(low);
    for (let lane = 0; lane < 4; lane++) {
      u8[at + signatureAt + 8 * lane] = low >>> (8 * lane);
      u8[at + signatureAt + 8 * (lane + 4)] = high >>> (8 * lane);
      // Two of one durable nonce's value could not both land.
      u8[at + blockhashAt + lane] ^= low >>> (8 * lane);
    }
    return bytes.length;
  }

  transactionOf({ u8 }: PacketMemory, at: number): number {
    let low = 0;
    for (let lane = 0; lane < 4; lane++) low |= u8[at + 1 + 8 * lane] << (8 * lane);
    return (low ^ this.#salt) >>> 0;
  }

  /** A salted signature never verifies. The chain took all of these transactions, so they count as good. */
  readonly real = false;

  verifies(): boolean {
    return true;
  }
}

/** Sends a corpus at a fixed rate. */
export class CorpusTraffic {
  readonly groups = ["corpus"];
  #tickMs = 0;
  #due = 0;
  readonly #random: Random;
  readonly #truth = emptyTruth();

  constructor(
    private readonly entries: readonly CorpusEntry[],
    private readonly rate: number,
    seed: bigint,
    private readonly trace: Trace,
  ) {
    this.#random = new Random(seed, "corpus traffic");
  }

  get playedMs(): number {
    return this.#tickMs;
  }

  advance(nowMs: number, sink: PacketSink): void {
    for (; this.#tickMs < nowMs; this.#tickMs++) {
      this.#due += this.rate / 1_000;
      for (; this.#due >= 1; this.#due -= 1) this.#send(this.#tickMs, sink);
    }
  }

  delivered(): void {}

  isHonest(): boolean {
    return true;
  }

  #send(nowMs: number, sink: PacketSink): void {
    const { trace } = this;
    const truth = this.#truth;
    const transaction = trace.transactions;
    const place = transaction % this.entries.length;
    const entry = this.entries[place];
    truth.traits = HONEST | GOOD_SIGNATURE | PARSABLE | (entry.lands ? LANDS : 0);
    truth.address = FIRST_ADDRESS + this.#random.below(ADDRESSES);
    truth.port = portOf(truth.address);
    truth.payer = place;
    truth.askedUnits = entry.askedUnits;
    truth.feeLamports = entry.fee;
    truth.usedUnits = entry.usedUnits;
    truth.executionNanos = entry.usedUnits * NANOS_PER_UNIT;
    truth.signatureOf = transaction;
    trace.addTransaction(truth, nowMs);
    trace.addPacket(transaction, truth.address, 0, nowMs);
    sink(transaction, truth.address, transaction % CHANNELS_USED);
  }
}
