import { describe, expect, test } from "bun:test";
import { xxh3 } from "@node-rs/xxhash";
import { packetHashSecret } from "../../src/kernel/secret.ts";
import { NONCE_TAG_AT } from "../../src/shape/digest-layout.ts";
import { PACKET_LAYOUT_NAMES, type PacketLayout } from "../../src/shape/packet-layouts.ts";
import { Digests } from "../../src/simulator/memory.ts";
import { GOOD_SIGNATURE, PARSABLE } from "../../src/simulator/trace.ts";
import { ADDRESS_AT, ADDRESS_TAG_AT, ADDRESS_TAG_IPV6, FLAG_STAKED, FLAGS_AT, SIZE_AT } from "../tools/agave-packet.ts";
import { packetsOf, played, readingEngine, scenario } from "./rig.ts";

const HONEST = 'name = "honest"\nrate = 2000\naddresses = 50\npayersPerAddress = 3\n';
const ROOM = 2_048;

function reader(packetLayout: PacketLayout = "agave2") {
  const { arena, layout, kernel, scratchAt } = readingEngine(packetLayout);
  return {
    arena,
    at: scratchAt,
    digests: new Digests(arena, layout.contextAt, scratchAt + ROOM, packetLayout, kernel),
  };
}

test("every packet parses, and pays what the trace says", () => {
  const source = played(scenario(1, [HONEST, 'name = "b"\nrate = 500\nfreshPayerEvery = 1\nfreshAddressEvery = 1']));
  const packets = packetsOf(source);
  const { arena, at, digests } = reader();
  const { trace } = source;
  expect(trace.transactions).toBeGreaterThan(2_000);
  for (let id = 0; id < trace.transactions; id++) {
    packets.write(arena, at, id, trace.address[id]);
    expect(digests.read(at)).toBe(0);
    expect(digests.fee).toBe(trace.feeLamports[id]);
    expect(digests.computeUnits).toBe(trace.askedUnits[id]);
    expect(digests.isNever).toBe(false);
  }
});

test("unparsable packets do not parse, in whichever way they are broken", () => {
  const source = played(scenario(1, ['name = "bad"\nrate = 1000\nunparsable = 1']));
  const packets = packetsOf(source);
  const { arena, at, digests } = reader();
  for (let id = 0; id < source.trace.transactions; id++) {
    expect(source.trace.traits[id] & (PARSABLE | GOOD_SIGNATURE)).toBe(0);
    packets.write(arena, at, id, source.trace.address[id]);
    expect(digests.read(at)).not.toBe(0);
  }
});

test("no two transactions have the same bytes, signature or packet hash", () => {
  const source = played(scenario(2, [HONEST]));
  const packets = packetsOf(source);
  const { arena, at, digests } = reader();
  const hashes = new Set<string>();
  const keys = new Set<string>();
  for (let id = 0; id < source.trace.transactions; id++) {
    packets.write(arena, at, id, source.trace.address[id]);
    digests.read(at);
    hashes.add(`${digests.hashHigh}:${digests.hashLow}`);
    const key = new Uint8Array(8);
    for (let i = 0; i < 64; i++) key[i >>> 3] ^= arena.u8[at + 1 + i];
    keys.add(key.toHex());
  }
  expect(hashes.size).toBe(source.trace.transactions);
  expect(keys.size).toBe(source.trace.transactions);
});

test("the hash that answers carry is the packet's own (an independent XXH3)", () => {
  const source = played(scenario(0.1, [HONEST, 'name = "six"\nrate = 1000\nipv6 = true']));
  const packets = packetsOf(source);
  const { arena, at, digests } = reader();
  for (let id = 0; id < Math.min(200, source.trace.transactions); id++) {
    packets.write(arena, at, id, source.trace.address[id]);
    digests.read(at);
    const size = arena.view.getUint32(at + SIZE_AT, true);
    const octets = arena.u8[at + ADDRESS_TAG_AT] === ADDRESS_TAG_IPV6 ? 16 : 4;
    const bytes = new Uint8Array(size + 8 + octets);
    bytes.set(arena.u8.subarray(at, at + size));
    new DataView(bytes.buffer).setUint32(size, size, true);
    bytes.set(arena.u8.subarray(at + ADDRESS_AT, at + ADDRESS_AT + octets), size + 8);
    const hash = BigInt(digests.hashHigh) * 2n ** 32n + BigInt(digests.hashLow);
    expect(hash).toBe(xxh3.xxh64WithSecret(bytes, packetHashSecret(420n)));
  }
});

test.each(PACKET_LAYOUT_NAMES)(
  "a packet is recognised, and any changed byte that matters is seen: %s",
  (packetLayout) => {
    const source = played(scenario(0.1, [HONEST]));
    const { trace } = source;
    const { arena, at } = reader(packetLayout);
    const packets = packetsOf(source, packetLayout);
    for (const id of [0, 1, 2, trace.transactions - 1]) {
      const address = trace.address[id];
      packets.write(arena, at, id, address);
      expect(packets.transactionOf(arena, at)).toBe(id);
      expect(packets.addressOf(arena, at)).toBe(address);
      expect(packets.equals(arena, at, id, address)).toBe(true);
      expect(packets.equals(arena, at, id + 1, address)).toBe(false);
      const { sizeAt, addressTagAt, addressAt, portAt, flagsAt } = packets.shape;
      const size = arena.view.getUint32(at + sizeAt, true);
      const matters = [
        ...Array(size).keys(),
        sizeAt,
        addressTagAt,
        addressAt,
        addressAt + 3,
        portAt,
        portAt + 1,
        flagsAt,
      ];
      for (const offset of matters) {
        arena.u8[at + offset] ^= 1;
        expect(packets.equals(arena, at, id, address)).toBe(false);
        arena.u8[at + offset] ^= 1;
      }
      // Padding and what lies behind the payload mean nothing.
      arena.u8[at + size] ^= 1;
      expect(packets.equals(arena, at, id, address)).toBe(true);
    }
  },
);

test("garbage is no transaction of ours", () => {
  const source = played(scenario(0.1, [HONEST]));
  const packets = packetsOf(source);
  const { arena, at } = reader();
  arena.u8.fill(0xa5, at, at + 1_264);
  expect(packets.transactionOf(arena, at)).toBe(-1);
  expect(packets.equals(arena, at, -1, 0)).toBe(false);
  arena.view.setUint32(at + SIZE_AT, 300, true);
  expect(packets.transactionOf(arena, at)).toBe(-1);
});

test("a forgery has the signature of an honest transaction and other bytes", () => {
  const source = played(
    scenario(0.5, [HONEST, 'name = "f"\nhonest = false\nrate = 200\nreplays = "honest"\nforged = true']),
  );
  const packets = packetsOf(source);
  const { arena, at } = reader();
  const { trace } = source;
  let forged = 0;
  for (let id = 0; id < trace.transactions; id++) {
    const of = trace.signatureOf[id];
    if (of === id) continue;
    forged += 1;
    expect(trace.traits[id] & GOOD_SIGNATURE).toBe(0);
    expect(trace.payer[id]).toBe(trace.payer[of]);
    packets.write(arena, at, of, trace.address[of]);
    const honest = arena.u8.slice(at, at + 350);
    packets.write(arena, at, id, trace.address[id]);
    expect(arena.u8.slice(at + 1, at + 65)).toEqual(honest.slice(1, 65));
    expect(arena.u8.slice(at + 65, at + 350)).not.toEqual(honest.slice(65, 350));
  }
  expect(forged).toBeGreaterThan(50);
});

test("IPv6 senders have a /64 each and many hosts; staked senders carry the flag", () => {
  const source = played(scenario(0.5, ['name = "six"\nrate = 400\naddresses = 1\nipv6 = true\nstakedShare = 1']));
  const packets = packetsOf(source);
  const { arena, at } = reader();
  const networks = new Set<string>();
  const hosts = new Set<string>();
  for (let id = 0; id < source.trace.transactions; id++) {
    packets.write(arena, at, id, source.trace.address[id]);
    networks.add(arena.u8.slice(at + ADDRESS_AT, at + ADDRESS_AT + 8).toHex());
    hosts.add(arena.u8.slice(at + ADDRESS_AT + 8, at + ADDRESS_AT + 16).toHex());
    expect(arena.u8[at + FLAGS_AT]).toBe(FLAG_STAKED);
  }
  expect(networks.size).toBe(1);
  expect(hosts.size).toBe(source.trace.transactions);
});

describe("really signed", () => {
  const source = played(scenario(0.1, [`${HONEST}badSignature = 0.3`]), 5n, true);
  const packets = packetsOf(source);
  const { arena, at, digests } = reader();

  test("signatures verify where the trace says so, and nowhere else", () => {
    let bad = 0;
    for (let id = 0; id < source.trace.transactions; id++) {
      packets.write(arena, at, id, source.trace.address[id]);
      expect(digests.read(at)).toBe(0);
      const good = (source.trace.traits[id] & GOOD_SIGNATURE) !== 0;
      expect(packets.verifies(arena, at, id)).toBe(good);
      expect(packets.equals(arena, at, id, source.trace.address[id])).toBe(true);
      if (!good) bad += 1;
    }
    expect(bad).toBeGreaterThan(5);
  });

  test("a changed message does not verify", () => {
    const id = source.trace.traits.findIndex((traits) => (traits & GOOD_SIGNATURE) !== 0);
    packets.write(arena, at, id, source.trace.address[id]);
    arena.u8[at + 240] ^= 1;
    expect(packets.verifies(arena, at, id)).toBe(false);
  });

  test("the same seed makes the same keys and signatures", () => {
    const again = played(scenario(0.1, [`${HONEST}badSignature = 0.3`]), 5n, true);
    packets.write(arena, at, 3, source.trace.address[3]);
    expect(packetsOf(again).equals(arena, at, 3, again.trace.address[3])).toBe(true);
  });
});

test("a packet carries its own sender's identity where the layout has one; a copy from elsewhere carries none", () => {
  const groups = [
    'name = "peers"\nrate = 400\naddresses = 3\npayersPerAddress = 4\nidentityPer = "payer"',
    'name = "others"\nrate = 400\naddressesOf = "peers"\npayersOf = "peers"\nidentityPer = "address"',
    'name = "plain"\nrate = 100\naddresses = 3',
  ];
  const source = played(scenario(0.5, groups));
  const { trace } = source;
  const packets = packetsOf(source, "agave4");
  const { arena, at } = reader("agave4");
  const keys: Set<string>[] = [new Set(), new Set(), new Set()];
  const { remoteKeyAt } = packets.shape;
  for (let id = 0; id < trace.transactions; id++) {
    const key = (address: number): string => {
      packets.write(arena, at, id, address);
      expect(packets.equals(arena, at, id, address)).toBe(true);
      return arena.u8.slice(at + remoteKeyAt!, at + remoteKeyAt! + 32).toHex();
    };
    keys[trace.group[id]].add(key(trace.address[id]));
    arena.u8[at + remoteKeyAt! + 5] ^= 1;
    expect(packets.equals(arena, at, id, trace.address[id])).toBe(false);
    expect(key(trace.address[id] + 1)).toBe("00".repeat(32));
  }
  expect(keys.map((group) => group.size)).toEqual([12, 3, 1]);
  expect(keys[2]).toEqual(new Set(["00".repeat(32)]));
  expect(keys[0].intersection(keys[1]).size).toBe(0);
});

test("siblings are on one durable nonce, at one moment and of one payer; another group's name it as well", () => {
  const groups = [
    'name = "bots"\nrate = 100\naddresses = 3\nsiblings = 5',
    'name = "false"\nrate = 400\naddresses = 3\nnoncesOf = "bots"\nbadSignature = 1',
    'name = "plain"\nrate = 100',
  ];
  const source = played(scenario(1, groups));
  const { trace } = source;
  const packets = packetsOf(source);
  const { arena, at, digests } = reader();
  const tags = new Map<number, Set<number>>();
  const members = new Map<number, number[]>();
  for (let id = 0; id < trace.transactions; id++) {
    packets.write(arena, at, id, trace.address[id]);
    expect(packets.transactionOf(arena, at)).toBe(id);
    digests.read(at);
    const nonce = trace.nonce[id];
    tags.set(nonce, (tags.get(nonce) ?? new Set()).add(arena.view.getUint32(at + ROOM + NONCE_TAG_AT, true)));
    if (trace.group[id] === 0) members.set(nonce, [...(members.get(nonce) ?? []), id]);
    else if (trace.group[id] === 2) expect(nonce).toBe(0);
  }
  expect(members.size).toBeGreaterThan(50);
  for (const ids of members.values()) {
    expect(ids.length).toBe(5);
    expect(new Set(ids.map((id) => `${trace.payer[id]} ${trace.createdMs[id]}`)).size).toBe(1);
  }
  expect([...tags.values()].every((all) => all.size === 1)).toBe(true);
  expect(new Set([...tags.values()].flatMap((all) => [...all])).size).toBe(tags.size);
  expect([...tags.get(0)!]).toEqual([0]);
});
