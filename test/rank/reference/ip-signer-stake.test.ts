import { describe, expect, test } from "bun:test";
import { loadKernel } from "../../../src/kernel/kernel.ts";
import { type Stake, StakeTable } from "../../../src/rank/lists/stake-table.ts";
import { IpSignerStake } from "../../../src/rank/reference/ip-signer-stake.ts";
import { TRAIT_IPV6 } from "../../../src/shape/digest-layout.ts";
import { makeTables } from "../tables.ts";

function makeModel() {
  const tables = makeTables(16, 16);
  const model = new IpSignerStake(tables.arena, tables.layout);
  model.senders.restoreIp(tables.write({ ip: 1, payer: 1 }), 3);
  model.senders.restorePayer(tables.write({ ip: 1, payer: 1 }), 4);
  return { ...tables, model };
}

/** The test's IPs are numbers: the first four bytes of the key, little-endian. */
function stake(ip: number, lamports: number, ipv6 = false): Stake {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setUint32(0, ip, true);
  return { key, ipv6, lamports };
}

describe("IpSignerStake", () => {
  test("adds the scores, and multiplies by the stake's factor", () => {
    const { model, write } = makeModel();
    const at = write({ ip: 1, payer: 1, fee: 5_000, computeUnits: 3 });
    expect(model.score(at)).toBe((3 + 4) * 1 * (5_000 / 3));
    model.useStakes(StakeTable.build([stake(1, 10), stake(2, 20)]));
    expect(model.score(at)).toBe((3 + 4) * ((10 + 30) / 30) * (5_000 / 3));
    model.useStakes(StakeTable.build([stake(1, 10)], 40));
    expect(model.score(at)).toBe((3 + 4) * ((10 + 40) / 40) * (5_000 / 3));
    expect(model.score(write({ ip: 9, payer: 9, fee: 2 }))).toBe((3 + 4) * 2); // medians, no stake
  });

  test("no stake at all: the factor is 1, never NaN", () => {
    const { model, write } = makeModel();
    model.useStakes(StakeTable.build([stake(1, 0)]));
    expect(model.score(write({ ip: 1, payer: 1 }))).toBe(7);
    model.useStakes(StakeTable.build([stake(1, 5)], 0));
    expect(model.score(write({ ip: 1, payer: 1 }))).toBe(7);
    expect(model.score(write({ ip: 1, payer: 1, fee: Number.NaN }))).toBe(0);
  });

  test("an IPv4 address and an IPv6 network with the same bytes are two senders", () => {
    const { model, write } = makeModel();
    model.useStakes(StakeTable.build([stake(1, 10, true)]));
    expect(model.score(write({ ip: 1, payer: 1 }))).toBe(7);
    expect(model.score(write({ ip: 1, payer: 1, traits: TRAIT_IPV6 }))).toBe(14);
  });

  test("learns as IpSigner does", () => {
    const { arena, model, write } = makeModel();
    for (let i = 0; i < 5; i++) model.outcome(write({ ip: 1, payer: 1, fee: 1_000 }), 100);
    expect(model.pending).toBe(5);
    model.touch(loadKernel(arena), write({ ip: 1, payer: 1 }), 1);
    model.learn();
    model.advance();
    const [ip, payer] = [0.95 * 3 + 0.05 * 100, 0.95 * 4 + 0.05 * 100];
    expect(model.score(write({ ip: 1, payer: 1 }))).toBe(ip + payer);
    model.failedSignature(write({ ip: 1, payer: 1 }));
    model.unparsable(write({ ip: 1, payer: 1 }));
    expect(model.score(write({ ip: 1, payer: 1 }))).toBe(ip * 0.01 * 0.01 + payer);
  });
});
