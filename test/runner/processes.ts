// What /proc tells about processes. A zombie counts as gone: in a container nobody may ever collect it.

import { readdirSync, readFileSync } from "node:fs";

export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return ""; // gone meanwhile, or another user's
  }
}

/** Fields of /proc/PID/stat after the command (state, parent, group, session, ...); undefined when it is gone. */
function readStat(pid: number): string[] | undefined {
  const stat = readProc(pid, "stat");
  // the command may hold blanks and brackets, so count from its last bracket
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat === "" || fields[0] === "Z" || fields[0] === "X" ? undefined : fields;
}

export function isAlive(pid: number): boolean {
  return readStat(pid) !== undefined;
}

export function sessionOf(pid: number): number | undefined {
  const fields = readStat(pid);
  return fields === undefined ? undefined : Number(fields[3]);
}

export function listProcesses(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(isAlive);
}

export function commandLine(pid: number): string {
  return readProc(pid, "cmdline").replaceAll("\0", " ").trim();
}
