// The eight channels under prefixes of a test's own, made and removed by the commands themselves. Each test file that takes
// one ends with `afterAll(removeChannels)`.

import fs from "node:fs";
import { run } from "./command-line.ts";

export interface Row {
  name: string;
  state: string;
  path: string;
  capacity: number;
  elementBytes: number;
  bytes: number;
  mode: string;
  group: string;
}

let made = 0;
const prefixes: string[] = [];

/** A prefix of its own for each test: they may run beside anything. */
export function freshPrefix(): string {
  made += 1;
  const prefix = `cli_${process.pid}_${made}_`;
  prefixes.push(prefix);
  return prefix;
}

export function removeChannels(): void {
  for (const prefix of prefixes.splice(0)) for (const path of filesOf(prefix)) fs.rmSync(path, { recursive: true });
}

export function filesOf(prefix: string): string[] {
  const names = fs.readdirSync("/dev/shm").filter((name) => name.startsWith(prefix));
  return names.sort().map((name) => `/dev/shm/${name}`);
}

export const init = (prefix: string, ...args: string[]) => run("init", "--prefix", prefix, ...args);
export const destroy = (prefix: string, ...args: string[]) => run("destroy", "--prefix", prefix, ...args);

/** What `--json` printed. */
export const rowsOf = (out: { parsed: <T>() => T }) => out.parsed<{ channels: Row[]; notes: string[] }>();

/** What a re-creation or a change would change. */
export const identities = (prefix: string) =>
  filesOf(prefix).map((path) => [path, fs.statSync(path).ino, fs.statSync(path).ctimeMs]);
