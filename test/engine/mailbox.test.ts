// The mailbox: what the main thread says reaches the loop, and the bell tells that there is something.

import { expect, test } from "bun:test";
import { CHANNEL_ATTACHED, CHANNEL_OFFERED, Mailbox } from "../../src/engine/mailbox.ts";
import { Arena } from "../../src/shape/arena.ts";
import { MAILBOX_BYTES } from "../../src/shape/layout.ts";

const AT = 65_536;
const pair = () => {
  const arena = Arena.reserve(AT + MAILBOX_BYTES);
  return { main: new Mailbox(arena, AT), loop: new Mailbox(arena, AT) };
};

test("every change rings the bell", () => {
  const { main, loop } = pair();
  const bells = [loop.bell];
  main.setTargetPps(5_000);
  bells.push(loop.bell);
  main.setPaused(true);
  bells.push(loop.bell);
  main.setChannelState(3, CHANNEL_OFFERED);
  bells.push(loop.bell);
  main.stop();
  bells.push(loop.bell);
  expect(new Set(bells).size).toBe(5);
  expect([loop.targetPps, loop.paused, loop.channelState(3), loop.stopping]).toEqual([
    5_000,
    true,
    CHANNEL_OFFERED,
    true,
  ]);
  main.setPaused(false);
  expect(loop.paused).toBe(false);
});

test("channel states are separate words", () => {
  const { main, loop } = pair();
  for (let id = 0; id < 8; id++) expect(loop.channelState(id)).toBe(0);
  loop.setChannelState(7, CHANNEL_ATTACHED);
  expect(main.channelState(7)).toBe(CHANNEL_ATTACHED);
  for (let id = 0; id < 7; id++) expect(main.channelState(id)).toBe(0);
  expect(main.stopping).toBe(false);
});
