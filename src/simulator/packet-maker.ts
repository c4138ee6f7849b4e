// A packet that can be written again at any time from its transaction's number and its sender's address: what comes out of
// the sidecar is compared with it byte for byte, and failed packets are handed back from it, without keeping any packet.

import {
  ADDRESS_AT,
  ADDRESS_TAG_AT,
  ADDRESS_TAG_IPV4,
  ADDRESS_TAG_IPV6,
  FLAG_STAKED,
  FLAGS_AT,
  PAYLOAD_MAX_BYTES,
  PORT_AT,
  SIZE_AT,
} from "../shape/packet-layout.ts";
import { mix32 } from "./random.ts";
import { IPV6, STAKED, type Trace } from "./trace.ts";

/** Memory that packets are written to: an arena, or a plain buffer. */
export interface PacketMemory {
  readonly u8: Uint8Array;
  readonly view: DataView;
}

/** Writes and recognises the packets of one trace. */
export interface PacketMaker {
  /** Writes the transaction's bytes. @returns how many */
  writePayload(memory: PacketMemory, at: number, transaction: number): number;
  /** @returns the number of the transaction whose bytes these claim to be, or -1 */
  transactionOf(memory: PacketMemory, at: number): number;
  /** Whether signatures are real: then `verifies` checks them, else the trace says which are good. */
  readonly real: boolean;
  /** Whether the signature in the packet's bytes is that of its payer. */
  verifies(memory: PacketMemory, at: number, transaction: number): boolean;
  /** Where the first signature starts in the payload; where it does not say, behind the one byte that counts signatures. */
  signatureAt?(transaction: number): number;
}

/** Documentation prefix 2001:db8::/32; the address's number makes the /64, the transaction's the host. */
const IPV6_PREFIX = 0x20010db8;
const FIRST_PORT = 1024;

/** The port that a sender uses where nothing else is said. */
export function portOf(address: number): number {
  return FIRST_PORT + (mix32(address ^ 0x51ab1e) % (65_536 - FIRST_PORT));
}

export class Packets {
  readonly #scratch: PacketMemory;

  constructor(
    private readonly trace: Trace,
    readonly maker: PacketMaker,
    /** Bytes of a packet in the layout in use. */
    readonly packetBytes: number,
  ) {
    const buffer = new ArrayBuffer(packetBytes);
    this.#scratch = { u8: new Uint8Array(buffer), view: new DataView(buffer) };
  }

  /** Writes the whole packet: payload, size, address, port, flags, and zeros behind them. */
  write(memory: PacketMemory, at: number, transaction: number, address: number): void {
    const { trace } = this;
    const { u8, view } = memory;
    const size = this.maker.writePayload(memory, at, transaction);
    const own = address === trace.address[transaction];
    const traits = own ? trace.traits[transaction] : 0;
    view.setUint32(at + SIZE_AT, size, true);
    view.setUint32(at + SIZE_AT + 4, 0, true);
    if ((traits & IPV6) !== 0) {
      u8[at + ADDRESS_TAG_AT] = ADDRESS_TAG_IPV6;
      view.setUint32(at + ADDRESS_AT, IPV6_PREFIX);
      view.setUint32(at + ADDRESS_AT + 4, address);
      view.setUint32(at + ADDRESS_AT + 8, mix32(transaction));
      view.setUint32(at + ADDRESS_AT + 12, transaction);
    } else {
      u8[at + ADDRESS_TAG_AT] = ADDRESS_TAG_IPV4;
      view.setUint32(at + ADDRESS_AT, address);
    }
    view.setUint16(at + PORT_AT, own ? trace.port[transaction] : portOf(address), true);
    u8[at + FLAGS_AT] = (traits & STAKED) !== 0 ? FLAG_STAKED : 0;
    // What lies behind the flags is padding, or in the newer layout the peer's key: zero, which means unknown.
    u8.fill(0, at + FLAGS_AT + 1, at + this.packetBytes);
  }

  /** The sender's address as a trace numbers it. */
  addressOf(memory: PacketMemory, at: number): number {
    const ipv6 = memory.u8[at + ADDRESS_TAG_AT] === ADDRESS_TAG_IPV6;
    return memory.view.getUint32(at + ADDRESS_AT + (ipv6 ? 4 : 0));
  }

  /** Whether the packet is, in every byte that means something, the one that this transaction and address make. */
  equals(memory: PacketMemory, at: number, transaction: number, address: number): boolean {
    if (transaction < 0 || transaction >= this.trace.transactions) return false;
    const { u8, view } = memory;
    const mine = this.#scratch;
    this.write(mine, 0, transaction, address);
    const size = mine.view.getUint32(SIZE_AT, true);
    if (view.getUint32(at + SIZE_AT, true) !== size || view.getUint32(at + SIZE_AT + 4, true) !== 0) return false;
    const words = size & ~3;
    for (let i = 0; i < words; i += 4) {
      if (view.getUint32(at + i, true) !== mine.view.getUint32(i, true)) return false;
    }
    for (let i = words; i < size; i++) if (u8[at + i] !== mine.u8[i]) return false;
    const addressBytes = mine.u8[ADDRESS_TAG_AT] === ADDRESS_TAG_IPV6 ? 16 : 4;
    for (let i = ADDRESS_TAG_AT; i < ADDRESS_AT + addressBytes; i++) if (u8[at + i] !== mine.u8[i]) return false;
    return (
      u8[at + PORT_AT] === mine.u8[PORT_AT] &&
      u8[at + PORT_AT + 1] === mine.u8[PORT_AT + 1] &&
      u8[at + FLAGS_AT] === mine.u8[FLAGS_AT]
    );
  }

  /** Payload bytes of a packet, or 0 where its size is out of range. */
  static sizeOf(memory: PacketMemory, at: number): number {
    const size = memory.view.getUint32(at + SIZE_AT, true);
    return size <= PAYLOAD_MAX_BYTES && memory.view.getUint32(at + SIZE_AT + 4, true) === 0 ? size : 0;
  }
}
