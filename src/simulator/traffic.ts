// Senders at work: each millisecond every group of a scenario sends its share, and the trace gets the truth about it.
// Each group has its own dice, so the same seed makes the same traffic whatever the sidecar does. Attackers that adapt to what
// they see delivered are the exception.

import { portOf } from "./packet-maker.ts";
import { mix32, Random } from "./random.ts";
import { momentMs, type Scenario, type Senders } from "./scenario.ts";
import { emptyTruth, GOOD_SIGNATURE, HONEST, IPV6, LANDS, NEWCOMER, PARSABLE, STAKED, type Trace } from "./trace.ts";

/** The chain's base fee for one signature, and the highest CU limit that it grants. */
const LAMPORTS_PER_SIGNATURE = 5_000;
const UNITS_MAX = 1_400_000;
const UNITS_MIN = 450;
/** A payer's transactions vary around its own median by this (log). */
const ASKED_NOISE = 0.3;
const USED_NOISE = 0.05;
/** Prices are held below this, so that the fee is exact in a double. */
const PRICE_MAX = 1e12;
/** Transactions that a replaying or spoofing attacker can choose from. */
const RECENT = 1_024;
/** Copies wait in one bucket per millisecond. */
const DELAY_BUCKETS = 4_096;
/** Share of its rate that an adaptive attacker keeps for every tactic, whatever the tactic's success. */
const TRIAL_WEIGHT = 0.05;

/** Gets each packet as it arrives. */
export type PacketSink = (transaction: number, address: number, channel: number) => void;

/** A ring of transactions from which other groups pick. */
class Recent {
  readonly #ring = new Uint32Array(RECENT);
  #count = 0;

  add(transaction: number): void {
    this.#ring[this.#count++ % RECENT] = transaction;
  }

  /** @returns -1 if the ring is empty */
  pick(random: Random): number {
    const filled = Math.min(this.#count, RECENT);
    return filled === 0 ? -1 : this.#ring[random.below(filled)];
  }
}

/** One group of senders while it runs. */
class Group {
  readonly random: Random;
  readonly sent = new Recent();
  readonly trusted = new Recent();
  readonly fromMs: number;
  readonly untilMs: number;
  readonly newcomers: boolean;
  rate: number;
  /** Packets that came out in this window and in all, for an attacker that adapts. */
  windowSent = 0;
  windowDelivered = 0;
  addressesUsed = 0;
  payersUsed = 0;
  /** Of the payers that it names: median CU limit, used by asked, nanoseconds per CU. Drawn when first seen. */
  readonly habits: HabitColumns;

  constructor(
    readonly index: number,
    readonly spec: Senders,
    scenario: Scenario,
    random: Random,
    /** Numbers from here on are this group's addresses and payers. */
    readonly firstNumber: number,
    /** The group whose payers it names, if they are not its own. */
    payersOf: Group | undefined,
  ) {
    const owner = payersOf ?? this;
    this.habits = new HabitColumns(
      owner.firstNumber,
      (payersOf?.spec ?? spec).addresses * (payersOf?.spec ?? spec).payersPerAddress,
    );
    this.random = random.fork(spec.name);
    this.fromMs = momentMs(scenario, spec.from);
    this.untilMs = momentMs(scenario, spec.until);
    this.newcomers = spec.honest && this.fromMs > 0 && spec.addressesOf === undefined;
    this.rate = spec.rate;
  }

  /** Transactions a second at this moment. */
  rateAt(nowMs: number): number {
    const { onMs, offMs } = this.spec;
    if (nowMs < this.fromMs || nowMs >= this.untilMs) return 0;
    return offMs === 0 || (nowMs - this.fromMs) % (onMs + offMs) < onMs ? this.rate : 0;
  }
}

/** Habits of a fixed set of payers, in columns; 0 stands for not drawn yet. */
class HabitColumns {
  readonly askedMedian: Float64Array;
  readonly usedRatio: Float64Array;
  readonly nanosPerUnit: Float64Array;

  constructor(
    readonly firstPayer: number,
    payers: number,
  ) {
    // One row more: the habits of a payer that is not in the set are drawn there, each time anew.
    this.askedMedian = new Float64Array(payers + 1);
    this.usedRatio = new Float64Array(payers + 1);
    this.nanosPerUnit = new Float64Array(payers + 1);
  }

  /** @returns the payer's row, the spare one for payers outside the set */
  rowOf(payer: number): number {
    const spare = this.askedMedian.length - 1;
    const row = payer - this.firstPayer;
    return row >= 0 && row < spare ? row : spare;
  }
}

/** Numbers set aside for one group: addresses and payers, fresh ones too. */
const NUMBERS_PER_GROUP = 1 << 26;

export class Traffic {
  readonly groups: readonly Group[];
  #tickMs = 0;
  readonly #salt: number;
  readonly #delayed: number[][] = Array.from({ length: DELAY_BUCKETS }, () => []);
  readonly #dice: Random;
  readonly #due: number[] = [];
  #adaptAtMs: number;

  readonly #truth = emptyTruth();

  constructor(
    private readonly scenario: Scenario,
    seed: bigint,
    private readonly trace: Trace,
  ) {
    const random = new Random(seed, "traffic");
    this.#salt = random.word();
    this.#dice = random.fork("channels");
    const groups: Group[] = [];
    for (const [index, spec] of scenario.senders.entries()) {
      const payersOf = groups.find((one) => one.spec.name === spec.payersOf);
      groups.push(new Group(index, spec, scenario, random, index * NUMBERS_PER_GROUP, payersOf));
    }
    this.groups = groups;
    this.#adaptAtMs = momentMs(scenario, "attack");
    const tactics = this.#tactics();
    for (const group of tactics) group.rate = (scenario.adaptive?.rate ?? 0) / tactics.length;
  }

  /** Sends what is due until `nowMs` (exclusive), a millisecond at a time. */
  advance(nowMs: number, sink: PacketSink): void {
    for (; this.#tickMs < nowMs; this.#tickMs++) this.#tick(this.#tickMs, sink);
  }

  /** Milliseconds that are played already. */
  get playedMs(): number {
    return this.#tickMs;
  }

  /** What a sender can see: its packet reached the validator. */
  delivered(transaction: number, group: number): void {
    const sender = this.groups[group];
    sender.windowDelivered += 1;
    if (sender.spec.honest) sender.trusted.add(transaction);
  }

  isHonest(group: number): boolean {
    return this.groups[group].spec.honest;
  }

  #tick(nowMs: number, sink: PacketSink): void {
    if (this.scenario.adaptive !== undefined && nowMs >= this.#adaptAtMs) this.#adapt(nowMs);
    const { trace } = this;
    const due = this.#due;
    // Packets of one millisecond come in random order. `due` holds a copy by its transaction, a new one by its group, inverted.
    const bucket = this.#delayed[nowMs % DELAY_BUCKETS];
    due.length = 0;
    for (const transaction of bucket) due.push(transaction);
    bucket.length = 0;
    for (const group of this.groups) {
      const rate = group.rateAt(nowMs);
      if (rate === 0) continue;
      for (let left = group.random.poisson(rate / 1_000); left > 0; left--) due.push(~group.index);
    }
    for (let left = due.length; left > 0; left--) {
      const at = this.#dice.below(left);
      const one = due[at];
      due[at] = due[left - 1];
      if (one < 0) this.#send(this.groups[~one], nowMs, sink);
      else this.#emit(one, trace.address[one], trace.group[one], nowMs, sink);
    }
  }

  #send(group: Group, nowMs: number, sink: PacketSink): void {
    const { spec } = group;
    group.windowSent += 1;
    const victim = this.#victim(group);
    if (spec.replays !== undefined) {
      if (victim < 0) return;
      const address = this.#ownAddress(group);
      if (!spec.forged) {
        this.#emit(victim, address, group.index, nowMs, sink);
        return;
      }
      this.#draw(group, address, this.trace.payer[victim], victim);
    } else if (spec.trustedOnly) {
      if (victim < 0) return;
      const payer = spec.payersOf === undefined ? this.#ownPayer(group, 0) : this.trace.payer[victim];
      this.#draw(group, this.trace.address[victim], payer, -1);
    } else {
      this.#draw(group, this.#addressFor(group), this.#drawnPayer, -1);
    }
    this.#truth.nonce = this.#nonceFor(group);
    this.#sendDrawn(group, nowMs, sink);
    for (let sibling = 1; sibling < spec.siblings; sibling++) {
      this.#draw(group, this.#truth.address, this.#truth.payer, -1);
      this.#sendDrawn(group, nowMs, sink);
    }
  }

  /** A number of its own for what is sent at once on one nonce; or that of another group's, as it is seen. */
  #nonceFor({ spec, random }: Group): number {
    if (spec.noncesOf !== undefined) {
      const seen = this.groupNamed(spec.noncesOf).sent.pick(random);
      return seen < 0 ? 0 : this.trace.nonce[seen];
    }
    return spec.siblings > 1 ? ++this.#nonces : 0;
  }

  #sendDrawn(group: Group, nowMs: number, sink: PacketSink): void {
    const { spec, random } = group;
    const transaction = this.trace.addTransaction(this.#truth, nowMs);
    if (this.#truth.signatureOf < 0) this.trace.signatureOf[transaction] = transaction;
    this.#emit(transaction, this.#truth.address, group.index, nowMs, sink);
    group.sent.add(transaction);
    for (let copy = 1; copy < spec.copies; copy++) {
      const delayMs = Math.floor(random.between(spec.copyDelayMs[0], spec.copyDelayMs[1] + 1));
      this.#delayed[(nowMs + Math.min(delayMs, DELAY_BUCKETS - 1)) % DELAY_BUCKETS].push(transaction);
    }
  }

  #emit(transaction: number, address: number, group: number, nowMs: number, sink: PacketSink): void {
    this.trace.addPacket(transaction, address, group, nowMs);
    // A sender's packets mostly keep to one channel; a few go another way (forwarded, relayed).
    const usual = mix32(address) % this.scenario.channels;
    const channel = this.#dice.chance(0.1) ? this.#dice.below(this.scenario.channels) : usual;
    sink(transaction, address, channel);
  }

  #victim(group: Group): number {
    const other = group.spec.replays ?? (group.spec.trustedOnly ? group.spec.addressesOf : undefined);
    if (other === undefined) return -1;
    const source = this.groupNamed(other);
    return (group.spec.trustedOnly ? source.trusted : source.sent).pick(group.random);
  }

  #drawnPayer = 0;
  /** Durable nonces so far. */
  #nonces = 0;

  /** Chooses sender and payer; the payer is left in #drawnPayer. */
  #addressFor(group: Group): number {
    const { spec, random } = group;
    const owner = spec.addressesOf === undefined ? group : this.groupNamed(spec.addressesOf);
    const place = this.#place(owner, random, spec.skew);
    if (spec.payersOf === undefined) this.#drawnPayer = this.#ownPayer(group, place);
    else {
      const payers = this.groupNamed(spec.payersOf);
      const at = payers === owner ? place : this.#place(payers, random, payers.spec.skew);
      this.#drawnPayer = payerNumber(payers, at, random);
    }
    if (owner === group && spec.freshAddressEvery > 0) return this.#ownAddress(group);
    return this.#addressNumber(owner, place);
  }

  /** @throws Error for a group that does not exist, though the scenario's check let it through */
  groupNamed(name: string): Group {
    const found = this.groups.find((one) => one.spec.name === name);
    if (found === undefined) throw new Error(`the scenario has no group ${name}`);
    return found;
  }

  #ownPayer(group: Group, place: number): number {
    const every = group.spec.freshPayerEvery;
    if (every === 0) return payerNumber(group, place, group.random);
    return group.firstNumber + Math.floor(group.payersUsed++ / every);
  }

  #ownAddress(group: Group): number {
    const every = group.spec.freshAddressEvery;
    if (every === 0) return this.#addressNumber(group, this.#place(group, group.random, group.spec.skew));
    return this.#addressNumber(group, Math.floor(group.addressesUsed++ / every));
  }

  #place(owner: Group, random: Random, skew: number): number {
    const unit = random.unit();
    return Math.floor(owner.spec.addresses * (skew === 0 ? unit : unit ** (1 + skew)));
  }

  /** Addresses are a bijection of the senders' numbers: all differ, and none tells its group. */
  #addressNumber(owner: Group, place: number): number {
    return mix32((owner.firstNumber + place) ^ this.#salt);
  }

  #draw(group: Group, address: number, payer: number, signatureOf: number): void {
    const { spec, random } = group;
    const truth = this.#truth;
    const { habits } = group;
    const row = this.#habitsOf(group, payer);
    const means = spec.priceMeans;
    const mean = means[mix32(address) % means.length];
    const asked = habits.askedMedian[row] * Math.exp(ASKED_NOISE * random.normal());
    truth.askedUnits = Math.round(Math.min(UNITS_MAX, Math.max(UNITS_MIN, asked)));
    truth.price = Math.min(PRICE_MAX, Math.round(random.logNormal(mean, spec.priceSigma)));
    truth.feeLamports = LAMPORTS_PER_SIGNATURE + Math.ceil((truth.askedUnits * truth.price) / 1_000_000);
    const ratio = habits.usedRatio[row];
    const used = truth.askedUnits * ratio * Math.exp(USED_NOISE * random.normal());
    truth.usedUnits = Math.max(150, Math.round(ratio <= 1 ? Math.min(used, truth.askedUnits) : used));
    const noise = Math.exp(this.scenario.validator.executionNoise * random.normal());
    truth.executionNanos = Math.max(1, Math.round(truth.usedUnits * habits.nanosPerUnit[row] * noise));
    truth.address = address;
    truth.port = spec.portsKnown ? portOf(address) : 1_024 + random.below(64_512);
    truth.payer = payer;
    truth.identity = this.#identityOf(group, address, payer);
    truth.group = group.index;
    truth.signatureOf = signatureOf;
    truth.traits = this.#traits(group, address, signatureOf >= 0);
  }

  /** A group's own: a sender that uses another's address or payer does not have its key. */
  #identityOf({ index, spec }: Group, address: number, payer: number): number {
    if (spec.identityPer === "none") return 0;
    return mix32(mix32((spec.identityPer === "address" ? address : payer) ^ this.#salt) + index + 1) || 1;
  }

  #traits(group: Group, address: number, forged: boolean): number {
    const { spec, random } = group;
    let traits = spec.honest ? HONEST : 0;
    // All dice are thrown for every transaction, so that a changed share changes nothing else.
    const parses = !random.chance(spec.unparsable);
    const signed = !random.chance(spec.badSignature) && !forged;
    const lands = !random.chance(spec.neverLands);
    if (parses) traits |= PARSABLE;
    if (parses && signed) traits |= GOOD_SIGNATURE;
    if (parses && signed && lands) traits |= LANDS;
    if (group.newcomers) traits |= NEWCOMER;
    if (spec.ipv6) traits |= IPV6;
    if (spec.stakedShare > 0 && mix32(~address) < spec.stakedShare * 4_294_967_296) traits |= STAKED;
    return traits;
  }

  /**
   * A payer's habits come from its number alone: they do not depend on the sender that names it, or on the time.
   * @returns its row in the group's columns
   */
  #habitsOf(group: Group, payer: number): number {
    const { spec, habits } = group;
    const row = habits.rowOf(payer);
    const isSpare = row === habits.askedMedian.length - 1;
    if (!isSpare && habits.askedMedian[row] !== 0) return row;
    const draw = (purpose: number): number => mix32(mix32(payer ^ this.#salt) + purpose) / 4_294_967_296;
    const normal = (purpose: number): number =>
      Math.sqrt(-2 * Math.log(1 - draw(purpose))) * Math.cos(2 * Math.PI * draw(purpose + 1));
    habits.askedMedian[row] = spec.askedMedian * Math.exp(spec.askedSigma * normal(1));
    habits.usedRatio[row] = spec.usedRatio[0] + (spec.usedRatio[1] - spec.usedRatio[0]) * draw(3);
    habits.nanosPerUnit[row] = spec.nanosPerUnit * Math.exp(spec.nanosSigma * normal(4));
    return row;
  }

  #tactics(): Group[] {
    return this.groups.filter((one) => one.spec.tactic);
  }

  /** Moves the attacker's traffic to the tactics whose packets came through. */
  #adapt(nowMs: number): void {
    const { adaptive } = this.scenario;
    if (adaptive === undefined) return;
    this.#adaptAtMs = nowMs + adaptive.everyMs;
    const tactics = this.#tactics();
    const weights = tactics.map((one) => TRIAL_WEIGHT + one.windowDelivered / Math.max(1, one.windowSent));
    const sum = weights.reduce((a, b) => a + b, 0);
    tactics.forEach((one, i) => {
      one.rate = (adaptive.rate * weights[i]) / sum;
      one.windowSent = 0;
      one.windowDelivered = 0;
    });
  }
}

function payerNumber(owner: Group, place: number, random: Random): number {
  const { payersPerAddress } = owner.spec;
  return owner.firstNumber + place * payersPerAddress + (payersPerAddress === 1 ? 0 : random.below(payersPerAddress));
}
