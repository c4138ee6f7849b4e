// Traffic of a recording, as it came: each packet at its time, on its channel, byte for byte. A recording does not say what
// became of a packet, so the truth is assumed: a well-formed transaction is good, takes the usual share of the CUs that it asks
// for, and would land, unless the chain always refuses it. Signatures can be checked, which takes time.

import { Arena } from "../shape/arena.ts";
import { DIGEST_BYTES } from "../shape/digest-layout.ts";
import { KERNEL_CONTEXT_BYTES } from "../shape/layout.ts";
import { PACKET_MAX_BYTES, type PacketLayout } from "../shape/packet-layouts.ts";
import { openRecording, type Recording } from "./capture/reader.ts";
import { NANOS_PER_UNIT, USUAL_USE } from "./corpus.ts";
import { Digests } from "./memory.ts";
import { RecordedNumbers, RecordedPackets } from "./recorded-packets.ts";
import { RecordedSignatures } from "./recorded-signatures.ts";
import type { ValidatorSpec } from "./scenario.ts";
import type { Sending, Source } from "./source.ts";
import { emptyTruth, GOOD_SIGNATURE, HONEST, LANDS, PARSABLE, Trace } from "./trace.ts";
import type { PacketSink } from "./traffic.ts";

/** A replay's assumptions, for people. @param checked whether signatures are checked */
export function assumedOf(checked: boolean): string {
  const which = checked
    ? "well-formed and well-signed transaction"
    : "well-formed transaction is taken as well signed and";
  return `every ${which} would land, using ${USUAL_USE} of the CUs that it asks for: a recording does not say`;
}

const MICROS_PER_MS = 1_000;
const PACKET_AT = KERNEL_CONTEXT_BYTES;
const DIGEST_AT = PACKET_AT + Math.ceil(PACKET_MAX_BYTES / 64) * 64;

/** What the sidecar's own parser says of a recording's transactions. */
interface Facts {
  readonly traits: Uint8Array;
  readonly fee: Float64Array;
  readonly askedUnits: Uint32Array;
  readonly signatureAt: Uint16Array;
}

function factsOf(recording: Recording, numbers: RecordedNumbers, checked: boolean): Facts {
  const count = numbers.transactions;
  const facts = {
    traits: new Uint8Array(count),
    fee: new Float64Array(count),
    askedUnits: new Uint32Array(count),
    signatureAt: new Uint16Array(count),
  };
  const arena = Arena.reserve(DIGEST_AT + DIGEST_BYTES);
  const digests = new Digests(arena, 0, DIGEST_AT, recording.layout);
  const packets = new RecordedPackets(new Trace(), numbers, facts.signatureAt, recording.layout);
  const signatures = checked ? new RecordedSignatures() : undefined;
  for (let i = 0; i < count; i++) {
    packets.write(arena, PACKET_AT, i, numbers.first[i]);
    facts.traits[i] = HONEST;
    if (digests.read(PACKET_AT) !== 0) continue;
    const { signatureOffset: signatureAt, keysOffset: keysAt } = digests;
    const signed = { signatures: digests.signatures, signatureAt, keysAt };
    const isGood = signatures?.areGood(numbers.payload(numbers.first[i]), signed) ?? true;
    facts.traits[i] |= PARSABLE | (isGood ? GOOD_SIGNATURE : 0) | (isGood && !digests.isNever ? LANDS : 0);
    facts.fee[i] = digests.fee;
    facts.askedUnits[i] = digests.computeUnits;
    facts.signatureAt[i] = signatureAt;
  }
  return facts;
}

class RecordedTraffic implements Sending {
  #tickMs = 0;
  #next = 0;
  readonly #truth = emptyTruth();

  constructor(
    private readonly recording: Recording,
    private readonly numbers: RecordedNumbers,
    private readonly facts: Facts,
    private readonly trace: Trace,
  ) {}

  get playedMs(): number {
    return this.#tickMs;
  }

  advance(nowMs: number, sink: PacketSink): void {
    const { micros, packets } = this.recording;
    for (; this.#tickMs < nowMs; this.#tickMs++) {
      const untilMicros = (this.#tickMs + 1) * MICROS_PER_MS;
      while (this.#next < packets && micros[this.#next] < untilMicros) this.#send(this.#next++, sink);
    }
  }

  delivered(): void {}

  isHonest(): boolean {
    return true;
  }

  #send(packet: number, sink: PacketSink): void {
    const { numbers, trace, recording } = this;
    const address = numbers.address[packet];
    const transaction = numbers.transaction[address];
    // Numbers are given in the order of arrival: a transaction that was not seen yet gets the next one.
    if (transaction === trace.transactions) this.#add(transaction, address);
    trace.addPacket(transaction, address, 0, this.#tickMs);
    sink(transaction, address, recording.channel[packet]);
  }

  #add(transaction: number, address: number): void {
    const { facts } = this;
    const truth = this.#truth;
    truth.traits = facts.traits[transaction];
    truth.address = address;
    truth.askedUnits = facts.askedUnits[transaction];
    truth.feeLamports = facts.fee[transaction];
    truth.usedUnits = Math.max(1, Math.round(truth.askedUnits * USUAL_USE));
    truth.executionNanos = truth.usedUnits * NANOS_PER_UNIT;
    truth.signatureOf = transaction;
    this.trace.addTransaction(truth, this.#tickMs);
  }
}

export interface RecordedOptions {
  /** The recording's name, for people. */
  readonly name: string;
  readonly validator: ValidatorSpec;
  /** Ends the run before the recording's own end. */
  readonly mostMs?: number | undefined;
  /** Checks every transaction's signatures first; without it they are taken as good. */
  readonly checked?: boolean;
}

/** The world of a recording, for one run. */
export function recordedSource(
  recording: Recording,
  { name, validator, mostMs, checked = false }: RecordedOptions,
): Source {
  const trace = new Trace();
  const numbers = new RecordedNumbers(recording);
  trace.reserve(numbers.transactions, recording.packets);
  const facts = factsOf(recording, numbers, checked);
  const packets = new RecordedPackets(trace, numbers, facts.signatureAt, recording.layout);
  const wholeMs = Math.floor(recording.durationMicros / MICROS_PER_MS) + 1;
  return {
    name,
    trace,
    maker: packets.maker,
    packets,
    sending: new RecordedTraffic(recording, numbers, facts, trace),
    validator,
    durationMs: Math.min(wholeMs, mostMs ?? wholeMs),
    attackMs: 0,
  };
}

/** The world of a recording's file. @throws Failure if it cannot be replayed */
export function replaySource(
  file: string,
  options: Omit<RecordedOptions, "name"> & { readonly salvage: boolean },
): { readonly source: Source; readonly layout: PacketLayout } {
  const recording = openRecording(file, options.salvage);
  const missed = recording.missed.reduce((a, b) => a + b, 0);
  const when = new Date(recording.startedMs).toISOString();
  const cut = recording.leftOut === undefined ? "" : ", salvaged: its end is missing";
  const lost = missed > 0 ? `, ${missed} more were missed` : "";
  const name = `recording of ${when} (${recording.packets} packets${lost}${cut})`;
  return { source: recordedSource(recording, { ...options, name }), layout: recording.layout };
}
