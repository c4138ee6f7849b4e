// The packets of a recording, numbered. Packets with the same payload are one transaction; packets that are the same in every
// byte are one "address" of it. So a packet that comes out of the sidecar is found again, byte for byte, and all parts of the
// simulator that work with transactions and addresses work with recordings.

import { ADDRESS_TAG_IPV6, FIELD_ADDRESS_TAG_AT } from "../shape/packet-layout.ts";
import { PACKET_LAYOUTS, type PacketLayout, type PacketShape } from "../shape/packet-layouts.ts";
import { metaBytes, PACKET_HEAD_BYTES, PACKET_PAYLOAD_AT, payloadBytes } from "./capture/format.ts";
import type { Recording } from "./capture/reader.ts";
import { type PacketMaker, type PacketMemory, Packets } from "./packet-maker.ts";
import type { Trace } from "./trace.ts";

/** No packet of the recording. */
const NONE = 0xffff_ffff;

/** Numbers byte strings from 0 on, equal strings alike: an open table of numbers, found by hash and compared by bytes. */
class Numbers {
  count = 0;
  readonly #places: Uint32Array;
  // Another seed in each process, so that no file can be made to collide. The numbers do not depend on it.
  readonly #seed = crypto.getRandomValues(new BigUint64Array(1))[0];

  constructor(most: number) {
    this.#places = new Uint32Array(2 ** Math.ceil(Math.log2(2 * most + 2))).fill(NONE);
  }

  /** @returns the number of these bytes. New bytes get the next number, or without `add` NONE */
  find(bytes: Uint8Array, isSame: (number: number) => boolean, add: boolean): number {
    const mask = this.#places.length - 1;
    let at = Number(Bun.hash.xxHash3(bytes, this.#seed) & 0xffff_ffffn) & mask;
    for (; ; at = (at + 1) & mask) {
      const number = this.#places[at];
      if (number === NONE) break;
      if (isSame(number)) return number;
    }
    if (!add) return NONE;
    this.#places[at] = this.count;
    return this.count++;
  }
}

/** The transaction and the address of each packet of a recording, and their bytes. */
export class RecordedNumbers {
  /** Of each packet of the recording. */
  readonly address: Uint32Array;
  /** Of each address: its transaction, and the offset of its first packet in the file. */
  readonly transaction: Uint32Array;
  readonly #at: Uint32Array;
  /** Of each transaction: its first address. */
  readonly first: Uint32Array;
  readonly #addresses: Numbers;
  readonly #transactions: Numbers;
  readonly #shape: PacketShape;
  readonly #metaBytes: number;
  readonly #scratch: Uint8Array;

  constructor(private readonly recording: Recording) {
    const { packets, at, layout } = recording;
    this.#shape = PACKET_LAYOUTS[layout];
    this.#metaBytes = metaBytes(layout);
    this.#scratch = new Uint8Array(this.#shape.bytes);
    this.address = new Uint32Array(packets);
    this.transaction = new Uint32Array(packets);
    this.#at = new Uint32Array(packets);
    this.first = new Uint32Array(packets);
    this.#addresses = new Numbers(packets);
    this.#transactions = new Numbers(packets);
    for (let i = 0; i < packets; i++) this.address[i] = this.#number(at[i]);
  }

  get addresses(): number {
    return this.#addresses.count;
  }

  get transactions(): number {
    return this.#transactions.count;
  }

  /** The bytes from the size on. */
  meta(address: number): Uint8Array {
    const at = this.#at[address] + PACKET_HEAD_BYTES;
    return this.recording.bytes.subarray(at, at + this.#metaBytes);
  }

  payload(address: number): Uint8Array {
    const at = this.#at[address];
    const { bytes } = this.recording;
    const from = at + PACKET_HEAD_BYTES + this.#metaBytes;
    return bytes.subarray(from, from + bytes[at + PACKET_PAYLOAD_AT] + 256 * bytes[at + PACKET_PAYLOAD_AT + 1]);
  }

  /** The address of the recording's packet that equals one in memory in every byte that means something; or NONE. */
  find(memory: PacketMemory, at: number): number {
    const { sizeAt, payloadMaxBytes } = this.#shape;
    const size = payloadBytes(memory.view, at + sizeAt, payloadMaxBytes);
    const meta = this.#metaBytes;
    this.#scratch.set(memory.u8.subarray(at + sizeAt, at + sizeAt + meta));
    this.#scratch.set(memory.u8.subarray(at, at + size), meta);
    const bytes = this.#scratch.subarray(0, meta + size);
    return this.#addresses.find(bytes, (number) => isEqual(bytes, this.#whole(number)), false);
  }

  /** Meta and payload, as in the file. */
  #whole(address: number): Uint8Array {
    const from = this.#at[address] + PACKET_HEAD_BYTES;
    return this.recording.bytes.subarray(from, from + this.#metaBytes + this.payload(address).length);
  }

  #number(at: number): number {
    const next = this.#addresses.count;
    this.#at[next] = at;
    const bytes = this.#whole(next);
    const address = this.#addresses.find(bytes, (number) => isEqual(bytes, this.#whole(number)), true);
    if (address !== next) return address;
    const payload = this.payload(address);
    // Bytes that no sidecar reads as a packet are a transaction of their own, whatever their payload.
    const isPacket = this.#isPacket(address);
    const isSame = (number: number): boolean => {
      const other = this.first[number];
      return isPacket && this.#isPacket(other) && isEqual(payload, this.payload(other));
    };
    const known = this.#transactions.count;
    const transaction = this.#transactions.find(isPacket ? payload : bytes, isSame, true);
    this.transaction[address] = transaction;
    if (transaction === known) this.first[transaction] = address;
    return address;
  }

  #isPacket(address: number): boolean {
    const meta = this.meta(address);
    const view = new DataView(meta.buffer, meta.byteOffset, meta.byteLength);
    const isSized = view.getUint32(4, true) === 0 && view.getUint32(0, true) <= this.#shape.payloadMaxBytes;
    return isSized && meta[FIELD_ADDRESS_TAG_AT] <= ADDRESS_TAG_IPV6;
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Writes a recording's packets and finds them again. */
export class RecordedPackets extends Packets {
  constructor(
    trace: Trace,
    private readonly numbers: RecordedNumbers,
    signatureAt: Uint16Array,
    layout: PacketLayout,
  ) {
    super(trace, new RecordedMaker(numbers, signatureAt), layout);
  }

  override write({ u8 }: PacketMemory, at: number, _transaction: number, address: number): void {
    const payload = this.numbers.payload(address);
    u8.set(payload, at);
    const { sizeAt } = this.shape;
    u8.fill(0, at + payload.length, at + sizeAt);
    u8.set(this.numbers.meta(address), at + sizeAt);
  }

  override addressOf(memory: PacketMemory, at: number): number {
    return this.numbers.find(memory, at);
  }

  override equals(memory: PacketMemory, at: number, transaction: number, address: number): boolean {
    return (
      address !== NONE && address === this.numbers.find(memory, at) && this.numbers.transaction[address] === transaction
    );
  }
}

class RecordedMaker implements PacketMaker {
  /** No signature is checked: each is taken as good. */
  readonly real = false;

  constructor(
    private readonly numbers: RecordedNumbers,
    private readonly signatures: Uint16Array,
  ) {}

  writePayload({ u8 }: PacketMemory, at: number, transaction: number): number {
    const payload = this.numbers.payload(this.numbers.first[transaction]);
    u8.set(payload, at);
    return payload.length;
  }

  transactionOf(memory: PacketMemory, at: number): number {
    const address = this.numbers.find(memory, at);
    return address === NONE ? -1 : this.numbers.transaction[address];
  }

  verifies(): boolean {
    return true;
  }

  signatureAt(transaction: number): number {
    return this.signatures[transaction];
  }
}
