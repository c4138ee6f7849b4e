// A packet that can be written again at any time from its transaction's number and its sender's address. So no packet is kept:
// what comes out of the sidecar is compared with it byte for byte, and failed packets are handed back from it.

import { ADDRESS_TAG_IPV4, ADDRESS_TAG_IPV6, FLAG_STAKED, PUBKEY_BYTES } from "../shape/packet-layout.ts";
import { PACKET_LAYOUTS, type PacketLayout, type PacketShape } from "../shape/packet-layouts.ts";
import { mix32 } from "./random.ts";
import { IPV6, STAKED, type Trace } from "./trace.ts";

/** Memory that packets are written to: an arena, or a plain buffer. */
export interface PacketMemory {
  readonly u8: Uint8Array;
  readonly view: DataView;
}

/** Writes and recognises the packets of one trace. */
export interface PacketMaker {
  /** Writes the transaction's bytes. @returns their number */
  writePayload(memory: PacketMemory, at: number, transaction: number): number;
  /** @param size bytes of the payload @returns the number of the transaction whose bytes these claim to be, or -1 */
  transactionOf(memory: PacketMemory, at: number, size: number): number;
  /** Whether signatures are real: then `verifies` checks them, else the trace says which are good. */
  readonly real: boolean;
  /** Whether the signature in the packet's bytes is that of its payer. @param size bytes of the payload */
  verifies(memory: PacketMemory, at: number, transaction: number, size: number): boolean;
  /** Offset of the first signature in the payload; if absent, behind the one byte that counts signatures. */
  signatureAt?(transaction: number): number;
}

/** Documentation prefix 2001:db8::/32; the address's number makes the /64, the transaction's the host. */
const IPV6_PREFIX = 0x20010db8;
const FIRST_PORT = 1024;

/** The port of a sender that was given no other. */
export function portOf(address: number): number {
  return FIRST_PORT + (mix32(address ^ 0x51ab1e) % (65_536 - FIRST_PORT));
}

export class Packets {
  readonly shape: PacketShape;
  readonly #scratch: PacketMemory;

  constructor(
    private readonly trace: Trace,
    readonly maker: PacketMaker,
    readonly layout: PacketLayout,
  ) {
    this.shape = PACKET_LAYOUTS[layout];
    const buffer = new ArrayBuffer(this.shape.bytes);
    this.#scratch = { u8: new Uint8Array(buffer), view: new DataView(buffer) };
  }

  /** Writes the whole packet: payload, size, address, port, flags, and zeros behind them. */
  write(memory: PacketMemory, at: number, transaction: number, address: number): void {
    const { trace } = this;
    const { u8, view } = memory;
    const { sizeAt, addressTagAt, addressAt, portAt, flagsAt, remoteKeyAt, bytes } = this.shape;
    const size = this.maker.writePayload(memory, at, transaction);
    const own = address === trace.address[transaction];
    const traits = own ? trace.traits[transaction] : 0;
    view.setUint32(at + sizeAt, size, true);
    view.setUint32(at + sizeAt + 4, 0, true);
    if ((traits & IPV6) !== 0) {
      u8[at + addressTagAt] = ADDRESS_TAG_IPV6;
      view.setUint32(at + addressAt, IPV6_PREFIX);
      view.setUint32(at + addressAt + 4, address);
      view.setUint32(at + addressAt + 8, mix32(transaction));
      view.setUint32(at + addressAt + 12, transaction);
    } else {
      u8[at + addressTagAt] = ADDRESS_TAG_IPV4;
      view.setUint32(at + addressAt, address);
    }
    view.setUint16(at + portAt, own ? trace.port[transaction] : portOf(address), true);
    u8[at + flagsAt] = (traits & STAKED) !== 0 ? FLAG_STAKED : 0;
    // Behind the flags is padding, or in the newer layouts the peer's key: zero means unknown.
    u8.fill(0, at + flagsAt + 1, at + bytes);
    if (remoteKeyAt === undefined || !own || trace.identity[transaction] === 0) return;
    for (let i = 0; i < PUBKEY_BYTES; i += 4)
      view.setUint32(at + remoteKeyAt + i, mix32(trace.identity[transaction] ^ Math.imul(i + 1, 0x9e3779b1)));
  }

  /** The sender's address as a trace numbers it. */
  addressOf(memory: PacketMemory, at: number): number {
    const { addressTagAt, addressAt } = this.shape;
    const ipv6 = memory.u8[at + addressTagAt] === ADDRESS_TAG_IPV6;
    return memory.view.getUint32(at + addressAt + (ipv6 ? 4 : 0));
  }

  /** Whether this transaction and address make the packet, in every byte that means something. */
  equals(memory: PacketMemory, at: number, transaction: number, address: number): boolean {
    if (transaction < 0 || transaction >= this.trace.transactions) return false;
    const { u8, view } = memory;
    const { sizeAt, addressTagAt, addressAt, portAt, flagsAt, remoteKeyAt } = this.shape;
    const mine = this.#scratch;
    this.write(mine, 0, transaction, address);
    const size = mine.view.getUint32(sizeAt, true);
    if (view.getUint32(at + sizeAt, true) !== size || view.getUint32(at + sizeAt + 4, true) !== 0) return false;
    const words = size & ~3;
    for (let i = 0; i < words; i += 4) {
      if (view.getUint32(at + i, true) !== mine.view.getUint32(i, true)) return false;
    }
    for (let i = words; i < size; i++) if (u8[at + i] !== mine.u8[i]) return false;
    for (let i = 0; remoteKeyAt !== undefined && i < PUBKEY_BYTES; i++) {
      if (u8[at + remoteKeyAt + i] !== mine.u8[remoteKeyAt + i]) return false;
    }
    const addressBytes = mine.u8[addressTagAt] === ADDRESS_TAG_IPV6 ? 16 : 4;
    for (let i = addressTagAt; i < addressAt + addressBytes; i++) if (u8[at + i] !== mine.u8[i]) return false;
    return (
      u8[at + portAt] === mine.u8[portAt] &&
      u8[at + portAt + 1] === mine.u8[portAt + 1] &&
      u8[at + flagsAt] === mine.u8[flagsAt]
    );
  }

  /** @returns the number of the transaction whose bytes the packet claims to have, or -1 */
  transactionOf(memory: PacketMemory, at: number): number {
    return this.maker.transactionOf(memory, at, this.sizeOf(memory, at));
  }

  /** Whether the signature in the packet's bytes is that of its payer. */
  verifies(memory: PacketMemory, at: number, transaction: number): boolean {
    return this.maker.verifies(memory, at, transaction, this.sizeOf(memory, at));
  }

  /** Payload bytes of a packet, or 0 if its size is out of range. */
  sizeOf(memory: PacketMemory, at: number): number {
    const { sizeAt, payloadMaxBytes } = this.shape;
    const size = memory.view.getUint32(at + sizeAt, true);
    return size <= payloadMaxBytes && memory.view.getUint32(at + sizeAt + 4, true) === 0 ? size : 0;
  }
}
