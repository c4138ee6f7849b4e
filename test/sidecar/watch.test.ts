import { expect, test } from "bun:test";
import { Engine } from "../../src/engine/engine.ts";
import { CHANNEL_OFFERED } from "../../src/engine/mailbox.ts";
import { readStatus } from "../../src/engine/status.ts";
import { loadKernel } from "../../src/kernel/kernel.ts";
import type { Board } from "../../src/observe/board.ts";
import { readBoard } from "../../src/observe/board.ts";
import { openModel } from "../../src/rank/models.ts";
import { PRODUCER_HEARTBEAT_AT } from "../../src/shape/channel-header.ts";
import { STATUS_BYTES } from "../../src/shape/layout.ts";
import { STAT } from "../../src/shape/statistics.ts";
import { Watch } from "../../src/sidecar/watch.ts";
import { MemoryLog, runtimeFor, settingsFor, smallMemory } from "./parts.ts";

function watched() {
  const memory = smallMemory();
  const { arena, layout, mailbox } = memory;
  const settings = settingsFor("--model", "ip-signer", "--prefix", "w_");
  const engine = new Engine(arena, layout, loadKernel(arena), openModel("ip-signer", arena, layout), settings);
  let nowMs = 1_000;
  const watch = new Watch(
    runtimeFor(memory, settings, new MemoryLog(), () => nowMs),
    () => null,
  );
  const look = (): void => watch.look(readStatus(arena.buffer, layout.statusAt));
  const turn = (): void => {
    engine.turn(nowMs);
    engine.publish(nowMs);
    look();
  };
  const board = (): Board =>
    JSON.parse(readBoard(new Uint8Array(arena.buffer, layout.statusAt, STATUS_BYTES)) ?? "null") as Board;
  const unready = () => watch.unready(readStatus(arena.buffer, layout.statusAt));
  const wait = (ms: number): void => {
    nowMs += ms;
  };
  const beat = (id: number): void => {
    arena.u64[(layout.channels[id].at + PRODUCER_HEARTBEAT_AT) / 8] += 1n;
  };
  return { beat, watch, look, turn, board, unready, wait, mailbox, engine };
}

test("ready is a loop that turns, with packets in and a way out, and not paused", () => {
  const { turn, unready, wait, look, mailbox, watch } = watched();
  expect(unready()).toBe("the loop has not begun");
  turn();
  expect(unready()).toBe("no packet channel is attached");
  mailbox.setChannelState(0, CHANNEL_OFFERED);
  turn();
  expect(unready()).toBe("qos_to_sig is not attached");
  mailbox.setChannelState(7, CHANNEL_OFFERED);
  turn();
  expect(unready()).toBeUndefined();
  mailbox.setPaused(true);
  expect(unready()).toBe("it is paused");
  mailbox.setPaused(false);
  const { bell } = mailbox;
  wait(6_000);
  look();
  expect(watch.loopAgeMs).toBe(6_000);
  expect(unready()).toContain("has not turned for 6000 ms");
  expect(mailbox.bell).not.toBe(bell); // it was woken
});

test("the board says who runs how, and since when the model learns", () => {
  const { turn, board, wait, engine, mailbox } = watched();
  mailbox.setTargetPps(77);
  turn();
  expect(board()).toMatchObject({ pid: process.pid, prefix: "w_", startedMs: 5, targetPps: 77, updates: [] });
  const { words } = engine.status;
  words[STAT.modelUpdates] = 3;
  words[STAT.completed] = 1_203;
  words[STAT.included] = 1_000;
  wait(1_000);
  turn();
  expect(board().updates).toMatchObject([{ updates: 3, outcomes: 1_203, included: 1_000 }]);
  turn();
  expect(board().updates).toHaveLength(1);
});

test("a heartbeat's age is since it last moved; never for one that never did", () => {
  const { turn, watch, wait, mailbox, beat } = watched();
  mailbox.setChannelState(0, CHANNEL_OFFERED);
  turn();
  turn();
  expect(watch.heartbeatAges().tpu_to_qos).toBeNull();
  beat(0);
  turn();
  expect(watch.heartbeatAges().tpu_to_qos).toBe(0);
  wait(500);
  turn();
  expect(watch.heartbeatAges().tpu_to_qos).toBe(500);
});
