// The bytes of a scenario's transactions: a template, patched. About 0.1 us each, so that 300,000 a second fit one core.

import type { PacketMaker, PacketMemory } from "./packet-maker.ts";
import { mix32, type Random } from "./random.ts";
import type { Signer } from "./signer.ts";
import { GOOD_SIGNATURE, PARSABLE, type Trace } from "./trace.ts";
import {
  LEGACY_LIMIT_AT,
  LEGACY_MESSAGE_AT,
  LEGACY_PAYER_AT,
  LEGACY_PRICE_AT,
  NONCE_ACCOUNT_AT,
  NONCE_SHIFT_BYTES,
  NONCE_VALUE_AT,
  NUMBER_BYTES,
  nonceTemplate,
  SIGNATURE_AT,
  V0_TAIL_BYTES,
  V0_VERSION_BYTE,
  type WireTemplate,
  wireTemplate,
} from "./wire-template.ts";

/** Shapes of transactions. A payer keeps one shape; honest senders and attackers draw from the same ones. */
const TEMPLATES = 64;
const NONCE_TEMPLATES = 16;
const NONCE_KEY_BYTES = 32;
/** Values that one nonce account has one after the other. */
const VALUES_PER_NONCE = 16;
const TWO_32 = 4_294_967_296;
/** The shortest transaction that can be one of ours. */
const BYTES_MIN = 254;
/** How packets are broken: each way in turn. */
const WAYS_TO_BREAK = 4;

export class ScenarioPackets implements PacketMaker {
  readonly #templates: readonly WireTemplate[];
  readonly #nonceTemplates: readonly WireTemplate[];
  readonly #salt: number;

  constructor(
    private readonly trace: Trace,
    random: Random,
    /** Signs for real; without it the signature is any 64 bytes, and the trace says whether it is good. */
    private readonly signer: Signer | undefined,
  ) {
    this.#salt = random.word();
    this.#templates = Array.from({ length: TEMPLATES }, (_, i) => wireTemplate(i % 2 === 0 ? "legacy" : "v0", random));
    this.#nonceTemplates = Array.from({ length: NONCE_TEMPLATES }, () => nonceTemplate(random));
  }

  writePayload({ u8, view }: PacketMemory, at: number, transaction: number): number {
    const { trace } = this;
    const payer = trace.payer[transaction];
    const nonce = trace.nonce[transaction];
    const templates = nonce === 0 ? this.#templates : this.#nonceTemplates;
    const { bytes, version } = templates[mix32(payer ^ this.#salt) % templates.length];
    u8.set(bytes, at);
    const shift = version === "v0" ? 1 : 0;
    this.#writePayer(u8, view, at + LEGACY_PAYER_AT + shift, payer);
    const budgetAt = at + shift + (nonce === 0 ? 0 : NONCE_SHIFT_BYTES);
    view.setUint32(budgetAt + LEGACY_LIMIT_AT, trace.askedUnits[transaction], true);
    const price = trace.price[transaction];
    view.setUint32(budgetAt + LEGACY_PRICE_AT, price % TWO_32, true);
    view.setUint32(budgetAt + LEGACY_PRICE_AT + 4, price / TWO_32, true);
    if (nonce !== 0) this.#writeNonce(view, at, nonce);
    const numberAt = at + bytes.length - shift * V0_TAIL_BYTES - NUMBER_BYTES;
    view.setUint32(numberAt, transaction, true);
    view.setUint32(numberAt + 4, ~transaction, true);
    this.#writeSignature(u8, view, at, bytes.length, transaction);
    const traits = trace.traits[transaction];
    return (traits & PARSABLE) !== 0 ? bytes.length : spoil(u8, at, bytes.length, transaction);
  }

  /** The same number gives the same account and value, whoever pays. Some numbers share an account, with other values. */
  #writeNonce(view: DataView, at: number, nonce: number): void {
    for (let i = 0; i < NONCE_KEY_BYTES; i += 4) {
      view.setUint32(at + NONCE_ACCOUNT_AT + i, mix32(mix32(~~(nonce / VALUES_PER_NONCE) ^ this.#salt) + i));
      view.setUint32(at + NONCE_VALUE_AT + i, mix32(mix32(nonce + this.#salt) + i));
    }
  }

  get real(): boolean {
    return this.signer !== undefined;
  }

  transactionOf(memory: PacketMemory, at: number, size: number): number {
    const { u8, view } = memory;
    if (size < BYTES_MIN) return -1;
    const tail = u8[at + LEGACY_MESSAGE_AT] === V0_VERSION_BYTE ? V0_TAIL_BYTES : 0;
    const numberAt = at + size - tail - NUMBER_BYTES;
    const number = view.getUint32(numberAt, true);
    return view.getUint32(numberAt + 4, true) === ~number >>> 0 ? number : -1;
  }

  verifies(memory: PacketMemory, at: number, transaction: number, size: number): boolean {
    if (this.signer === undefined) return (this.trace.traits[transaction] & GOOD_SIGNATURE) !== 0;
    const shift = memory.u8[at + LEGACY_MESSAGE_AT] === V0_VERSION_BYTE ? 1 : 0;
    const payer = memory.u8.subarray(at + LEGACY_PAYER_AT + shift, at + LEGACY_PAYER_AT + shift + 32);
    const signature = memory.u8.subarray(at + SIGNATURE_AT, at + LEGACY_MESSAGE_AT);
    const message = memory.u8.subarray(at + LEGACY_MESSAGE_AT, at + size);
    return this.signer.verify(this.trace.payer[transaction], payer, message, signature);
  }

  /** A payer's key: half of it from the payer's number, the other half from the payer's template, which never changes. */
  #writePayer(u8: Uint8Array, view: DataView, at: number, payer: number): void {
    if (this.signer !== undefined) {
      u8.set(this.signer.publicKey(payer), at);
      return;
    }
    const salted = payer ^ this.#salt;
    view.setUint32(at, mix32(salted), true);
    view.setUint32(at + 4, mix32(~salted), true);
    view.setUint32(at + 8, mix32(salted + 0x9e3779b9), true);
    view.setUint32(at + 12, payer, true);
  }

  #writeSignature(u8: Uint8Array, view: DataView, at: number, size: number, transaction: number): void {
    const { trace, signer } = this;
    const number = trace.signatureOf[transaction];
    if (signer === undefined) {
      // One byte of each eight, so that the keys that are folded from the signatures (wire.md, 9) all differ.
      const low = number ^ this.#salt;
      const high = mix32(number ^ this.#salt);
      for (let lane = 0; lane < 4; lane++) {
        u8[at + SIGNATURE_AT + 8 * lane] = low >>> (8 * lane);
        u8[at + SIGNATURE_AT + 8 * (lane + 4)] = high >>> (8 * lane);
      }
      return;
    }
    const message = u8.slice(at + LEGACY_MESSAGE_AT, at + size);
    u8.set(signer.sign(transaction, trace.payer[transaction], message), at + SIGNATURE_AT);
    if ((trace.traits[transaction] & GOOD_SIGNATURE) === 0) u8[at + SIGNATURE_AT + (transaction % 64)] ^= 0x40;
    if (number !== transaction) view.setUint32(at + SIGNATURE_AT, number, true);
  }
}

/** Makes a transaction unparsable. @returns the payload's new size */
function spoil(u8: Uint8Array, at: number, size: number, transaction: number): number {
  switch (transaction % WAYS_TO_BREAK) {
    case 0: // cut short
      return size - 1 - (mix32(transaction) % (size - 1));
    case 1: // a signature count that no transaction has
      u8[at] = 0;
      return size;
    case 2: // bytes behind the end
      u8[at + size] = transaction;
      return size + 1;
    default: // a version that does not exist
      u8[at + LEGACY_MESSAGE_AT] = 0xff;
      return size;
  }
}
