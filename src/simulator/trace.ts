// The traffic of one run with its ground truth, in columns: each transaction, what it would do, and each packet that carried
// one. The simulated validator reads the truth here, the baselines and the oracle replay the same traffic, and every packet
// can be written again, byte for byte.

export const HONEST = 1;
export const GOOD_SIGNATURE = 2;
/** The chain would take it if it came in time. */
export const LANDS = 4;
export const PARSABLE = 8;
/** Of a sender that appears after the attack's start and is honest. */
export const NEWCOMER = 16;
/** Its own packets carry the staked-node flag. */
export const STAKED = 32;
/** Its own address is an IPv6 one. */
export const IPV6 = 64;
/** What a transaction must be to be included. */
export const INCLUDABLE = GOOD_SIGNATURE | LANDS | PARSABLE;

const FIRST_ROWS = 65_536;
const TWO_32 = 4_294_967_296;

/** The truth about a transaction, as its sender's side knows it. */
export interface Truth {
  traits: number;
  group: number;
  /** The address that it is first sent from: 32 bits, an IPv4 address or the seed of an IPv6 address. */
  address: number;
  port: number;
  /** Number of the fee payer. */
  payer: number;
  /** Number of the sender's identity, 0: it has none. */
  identity: number;
  /** Number of the durable nonce's account and value, 0: none. Of those with one number one can land. */
  nonce: number;
  /** CU limit and price (micro-lamports per CU) that it declares. */
  askedUnits: number;
  price: number;
  /** Fee by the chain's rule: charged if it is included, declared otherwise. */
  feeLamports: number;
  /** CUs that it really takes of a block. */
  usedUnits: number;
  executionNanos: number;
  /** The transaction whose signature bytes it carries: itself, except in a forgery. */
  signatureOf: number;
}

/** A truth to be filled again and again: nothing is allocated for a packet. */
export function emptyTruth(): Truth {
  return {
    traits: 0,
    group: 0,
    address: 0,
    port: 0,
    payer: 0,
    identity: 0,
    nonce: 0,
    askedUnits: 0,
    price: 0,
    feeLamports: 0,
    usedUnits: 0,
    executionNanos: 0,
    signatureOf: 0,
  };
}

export class Trace {
  transactions = 0;
  packets = 0;

  traits = new Uint8Array(FIRST_ROWS);
  group = new Uint8Array(FIRST_ROWS);
  address = new Uint32Array(FIRST_ROWS);
  port = new Uint16Array(FIRST_ROWS);
  payer = new Uint32Array(FIRST_ROWS);
  identity = new Uint32Array(FIRST_ROWS);
  nonce = new Uint32Array(FIRST_ROWS);
  askedUnits = new Uint32Array(FIRST_ROWS);
  price = new Float64Array(FIRST_ROWS);
  feeLamports = new Float64Array(FIRST_ROWS);
  usedUnits = new Uint32Array(FIRST_ROWS);
  executionNanos = new Float64Array(FIRST_ROWS);
  signatureOf = new Uint32Array(FIRST_ROWS);
  /** When the first packet with it arrived. */
  createdMs = new Float64Array(FIRST_ROWS);
  /** How often it was sent from its own address, and came out again. */
  sent = new Uint8Array(FIRST_ROWS);
  delivered = new Uint8Array(FIRST_ROWS);

  /** Packets in the order of their arrival. */
  packetTransaction = new Uint32Array(FIRST_ROWS);
  packetAddress = new Uint32Array(FIRST_ROWS);
  packetGroup = new Uint8Array(FIRST_ROWS);
  packetMs = new Float64Array(FIRST_ROWS);

  /** Copies from other addresses: (transaction, address) -> times sent, times delivered, group. */
  readonly #copies = new Map<number, { sent: number; delivered: number; readonly group: number }>();

  /** Reserves room, so that nothing grows while time is measured. */
  reserve(transactions: number, packets: number): void {
    while (this.traits.length < transactions) this.#growTransactions();
    while (this.packetMs.length < packets) this.#growPackets();
  }

  /** @returns the transaction's number */
  addTransaction(truth: Truth, nowMs: number): number {
    const id = this.transactions++;
    if (id === this.traits.length) this.#growTransactions();
    this.traits[id] = truth.traits;
    this.group[id] = truth.group;
    this.address[id] = truth.address;
    this.port[id] = truth.port;
    this.payer[id] = truth.payer;
    this.identity[id] = truth.identity;
    this.nonce[id] = truth.nonce;
    this.askedUnits[id] = truth.askedUnits;
    this.price[id] = truth.price;
    this.feeLamports[id] = truth.feeLamports;
    this.usedUnits[id] = truth.usedUnits;
    this.executionNanos[id] = truth.executionNanos;
    this.signatureOf[id] = truth.signatureOf;
    this.createdMs[id] = nowMs;
    return id;
  }

  /** Notes a packet that arrives now. */
  addPacket(transaction: number, address: number, group: number, nowMs: number): void {
    const row = this.packets++;
    if (row === this.packetMs.length) this.#growPackets();
    this.packetTransaction[row] = transaction;
    this.packetAddress[row] = address;
    this.packetGroup[row] = group;
    this.packetMs[row] = nowMs;
    if (address === this.address[transaction]) {
      if (this.sent[transaction] < 255) this.sent[transaction]++;
      return;
    }
    const copy = this.#copies.get(transaction * TWO_32 + address);
    if (copy === undefined) this.#copies.set(transaction * TWO_32 + address, { sent: 1, delivered: 0, group });
    else copy.sent += 1;
  }

  /**
   * Notes that a packet came out.
   * @returns its sender's group, or -1 if no such packet went in, or all of them came out already
   */
  deliver(transaction: number, address: number): number {
    if (transaction >= this.transactions) return -1;
    if (address === this.address[transaction]) {
      if (this.delivered[transaction] >= this.sent[transaction]) return -1;
      this.delivered[transaction]++;
      return this.group[transaction];
    }
    const copy = this.#copies.get(transaction * TWO_32 + address);
    if (copy === undefined || copy.delivered >= copy.sent) return -1;
    copy.delivered += 1;
    return copy.group;
  }

  /** Whether the transaction was sent from this address. */
  wasSent(transaction: number, address: number): boolean {
    if (transaction >= this.transactions) return false;
    return address === this.address[transaction]
      ? this.sent[transaction] > 0
      : this.#copies.has(transaction * TWO_32 + address);
  }

  #growTransactions(): void {
    this.traits = doubled(this.traits, Uint8Array);
    this.group = doubled(this.group, Uint8Array);
    this.address = doubled(this.address, Uint32Array);
    this.port = doubled(this.port, Uint16Array);
    this.payer = doubled(this.payer, Uint32Array);
    this.identity = doubled(this.identity, Uint32Array);
    this.nonce = doubled(this.nonce, Uint32Array);
    this.askedUnits = doubled(this.askedUnits, Uint32Array);
    this.price = doubled(this.price, Float64Array);
    this.feeLamports = doubled(this.feeLamports, Float64Array);
    this.usedUnits = doubled(this.usedUnits, Uint32Array);
    this.executionNanos = doubled(this.executionNanos, Float64Array);
    this.signatureOf = doubled(this.signatureOf, Uint32Array);
    this.createdMs = doubled(this.createdMs, Float64Array);
    this.sent = doubled(this.sent, Uint8Array);
    this.delivered = doubled(this.delivered, Uint8Array);
  }

  #growPackets(): void {
    this.packetTransaction = doubled(this.packetTransaction, Uint32Array);
    this.packetAddress = doubled(this.packetAddress, Uint32Array);
    this.packetGroup = doubled(this.packetGroup, Uint8Array);
    this.packetMs = doubled(this.packetMs, Float64Array);
  }
}

function doubled<Column extends { set(from: Column): void; readonly length: number }>(
  column: Column,
  make: new (length: number) => Column,
): Column {
  const twice = new make(2 * column.length);
  twice.set(column);
  return twice;
}
