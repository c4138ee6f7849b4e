// `qos configure hugepages`: says which huge pages the channels need; `--apply` reserves and mounts them. What was done is
// written down, so that `--undo` takes back exactly that.

import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import {
  availableHugePages,
  bootWords,
  HUGE_PAGE_BYTES,
  HUGE_PAGES_COUNTER,
  HUGE_PAGES_FOLDER,
  hugePageGroupShortage,
  hugePageMountProblem,
  hugePages,
} from "../../../ffi/huge-pages.ts";
import { channelFileBytes } from "../../channel/place.ts";
import { Failure, messageOf } from "../../failure.ts";
import { CHANNEL_FLAGS, MADE_LAYOUT_FLAG } from "../../settings/channel-flags.ts";
import { EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { count, onOff } from "../../settings/flags.ts";
import { layoutOf, namedChannels } from "../channels/channel-files.ts";
import { command } from "../command.ts";
import type { Output } from "../output.ts";

const RECORD_FOLDER = "/run/qos";
const RECORD = `${RECORD_FOLDER}/hugepages.json`;

/** What `--apply` did: pages that it added, whether it mounted, whether it made the folder. */
interface Done {
  readonly added: number;
  readonly mounted: boolean;
  readonly folder: boolean;
}

export interface HugePlan {
  readonly needed: number;
  readonly available: number;
  readonly total: number;
  /** Pages to add to the kernel's pool. */
  readonly add: number;
  readonly makeFolder: boolean;
  readonly mount: boolean;
}

function run(words: readonly string[]): void {
  const done = Bun.spawnSync([...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  if (done.exitCode !== 0) throw new Failure(`${words.join(" ")} failed: ${done.stderr.toString().trim()}`);
}

/** What has to be done for `needed` pages. @throws Failure if this host cannot have huge pages */
export function hugePlan(needed: number): HugePlan {
  const pages = hugePages();
  if (pages === undefined) throw new Failure("this kernel has no huge pages of 2 MiB");
  const available = availableHugePages(pages);
  const problem = hugePageMountProblem();
  const makeFolder = problem?.includes("does not exist") ?? false;
  const mount = makeFolder || (problem?.startsWith("no hugetlbfs is mounted") ?? false);
  if (problem !== undefined && !mount) throw new Failure(problem);
  return { needed, available, total: pages.total, add: Math.max(0, needed - available), makeFolder, mount };
}

function stepsOf({ add, total, makeFolder, mount }: HugePlan): string[] {
  return [
    ...(add > 0 ? [`echo ${total + add} > ${HUGE_PAGES_COUNTER}`] : []),
    ...(makeFolder ? [`mkdir -p ${HUGE_PAGES_FOLDER}`] : []),
    ...(mount ? [`mount -t hugetlbfs -o pagesize=2M none ${HUGE_PAGES_FOLDER}`] : []),
  ];
}

function requireRoot(flag: string): void {
  if (process.geteuid?.() !== 0) throw new Failure(`${flag} needs root: sudo qos configure hugepages ${flag}`);
}

function readRecord(): Done | undefined {
  let text: string;
  try {
    text = readFileSync(RECORD, "utf8");
  } catch {
    return undefined;
  }
  try {
    const { added, mounted, folder } = JSON.parse(text) as Partial<Record<keyof Done, unknown>>;
    if (!Number.isInteger(added) || Number(added) < 0) throw new Error("it names no pages");
    return { added: Number(added), mounted: mounted === true, folder: folder === true };
  } catch (error) {
    throw new Failure(`${RECORD} is damaged (${messageOf(error)}); remove it, and take the pages back by hand`);
  }
}

function writeRecord(done: Done): void {
  mkdirSync(RECORD_FOLDER, { recursive: true, mode: 0o755 });
  writeFileSync(RECORD, `${JSON.stringify(done)}\n`, { mode: 0o644 });
}

function setTotal(total: number): number {
  writeFileSync(HUGE_PAGES_COUNTER, `${total}`);
  return hugePages()?.total ?? 0;
}

function apply(plan: HugePlan, out: Output): void {
  requireRoot("--apply");
  const before = readRecord() ?? { added: 0, mounted: false, folder: false };
  let done = before;
  const note = (more: Partial<Done>): void => {
    done = { ...done, ...more };
    writeRecord(done); // step by step: whatever stops this, --undo knows how far it came
  };
  if (plan.add > 0) {
    note({ added: before.added + plan.add });
    let total = setTotal(plan.total + plan.add);
    if (total < plan.total + plan.add) {
      // Free memory in pieces: let the kernel move it together, and ask again.
      writeFileSync("/proc/sys/vm/compact_memory", "1");
      total = setTotal(plan.total + plan.add);
    }
    note({ added: before.added + Math.max(0, total - plan.total) });
    if (total < plan.total + plan.add) {
      throw new Failure(
        `the kernel gave ${total - plan.total} of ${plan.add} pages: its free memory is in pieces. Reserve them at boot ` +
          `(${bootWords(plan.total + plan.add)} on the kernel's command line), or take these back with --undo`,
      );
    }
    out.line(`${plan.add} pages of 2 MiB reserved, ${total} in all`);
  }
  if (plan.makeFolder) {
    note({ folder: true });
    mkdirSync(HUGE_PAGES_FOLDER, { recursive: true });
  }
  if (plan.mount) {
    run(["mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", HUGE_PAGES_FOLDER]);
    note({ mounted: true });
    out.line(`mounted at ${HUGE_PAGES_FOLDER}`);
  }
  if (stepsOf(plan).length === 0) out.line("nothing to do: enough pages are available, and they are mounted");
  for (const line of lastingLines(hugePages()?.total ?? plan.total)) out.line(line);
  sayGroupLimit(plan.needed, out);
}

/**
 * How a host keeps its pages and their mount over a restart.
 * `vm.nr_hugepages` in /etc/sysctl.d is the pool of the default size, so the pool of 2 MiB is named by its own file.
 */
function lastingLines(total: number): string[] {
  return [
    "a restart of the host takes them away; to keep them, as root:",
    `  echo 'w ${HUGE_PAGES_COUNTER} - - - - ${total}' > /etc/tmpfiles.d/qos-hugepages.conf`,
    `  echo 'none ${HUGE_PAGES_FOLDER} hugetlbfs pagesize=2M 0 0' >> /etc/fstab`,
    `(surest is the kernel's command line instead of the first: ${bootWords(total)})`,
  ];
}

function sayGroupLimit(needed: number, out: Output): void {
  const problem = hugePageGroupShortage(needed);
  if (problem !== undefined) out.note(`from here the channels could not be created: ${problem}`);
}

function undo(out: Output): void {
  requireRoot("--undo");
  const done = readRecord();
  if (done === undefined) {
    out.line("nothing to take back: --apply has done nothing on this host since it started");
    return;
  }
  if (done.mounted && hugePageMountProblem() === undefined) {
    const files = readdirSync(HUGE_PAGES_FOLDER);
    if (files.length > 0) {
      throw new Failure(
        `${HUGE_PAGES_FOLDER} is in use (${files.slice(0, 3).join(", ")}): remove the channels first, with qos destroy --use-huge-pages`,
      );
    }
    run(["umount", HUGE_PAGES_FOLDER]);
    out.line(`unmounted ${HUGE_PAGES_FOLDER}`);
  }
  if (done.folder) {
    try {
      rmdirSync(HUGE_PAGES_FOLDER);
    } catch {
      // Somebody put something there: it stays.
    }
  }
  const total = hugePages()?.total ?? 0;
  const wanted = Math.max(0, total - done.added);
  if (done.added > 0) {
    const left = setTotal(wanted);
    out.line(`${total - left} pages of 2 MiB given back, ${left} in all`);
    if (left > wanted) {
      writeRecord({ added: left - wanted, mounted: false, folder: false });
      throw new Failure(`${left - wanted} pages are in use; stop what uses them, and run --undo again`);
    }
  }
  rmSync(RECORD, { force: true });
}

export default command({
  name: "configure",
  summary: "reserves and mounts huge pages, or takes them back",
  about:
    "`qos configure hugepages` shows what the channels need and what would be done. `--apply` does it, as root: reserves " +
    "pages of 2 MiB and mounts them at /mnt/hugepages. `--undo` takes back what --apply did, and nothing else.",
  flags: {
    packetLayout: MADE_LAYOUT_FLAG,
    config: CHANNEL_FLAGS.config,
    pages: count({
      help: "pages to have available [default what the eight channels need]",
      min: 1,
      max: 1_000_000,
      fallback: undefined,
    }),
    apply: onOff({ help: "do it, as root" }),
    undo: onOff({ help: "take it back, as root" }),
  },
  positionals: [{ name: "hugepages", help: "the one thing there is to configure", required: true }],
  examples: [
    { line: "qos configure hugepages", says: "what would be done" },
    { line: "sudo qos configure hugepages --apply", says: "reserve and mount" },
    { line: "sudo qos configure hugepages --undo", says: "give back what was reserved" },
  ],
  run: ({ values, positionals, out }) => {
    if (positionals[0] !== "hugepages") throw new UsageError(`unknown word "${positionals[0]}"; expected hugepages`);
    if (values.apply && values.undo) throw new UsageError("--apply and --undo: give one of them");
    if (values.undo) {
      undo(out);
      return EXIT_FINE;
    }
    const layout = layoutOf({ prefix: "", useHugePages: true, packetLayout: values.packetLayout });
    const channels = namedChannels({ pages: "huge", prefix: "" }, layout);
    const bytes = channels.reduce((sum, { shape }) => sum + channelFileBytes(shape, "huge"), 0);
    const plan = hugePlan(values.pages ?? bytes / HUGE_PAGE_BYTES);
    if (values.apply) {
      apply(plan, out);
      return EXIT_FINE;
    }
    out.line(`${plan.needed} pages of 2 MiB are needed, ${plan.available} are available (${plan.total} in all)`);
    const steps = stepsOf(plan);
    if (steps.length === 0) out.line("nothing to do");
    else {
      out.line("to be done, by `sudo qos configure hugepages --apply` or by hand:");
      for (const step of steps) out.line(`  ${step}`);
    }
    for (const line of lastingLines(plan.total + plan.add)) out.line(line);
    sayGroupLimit(plan.needed, out);
    return EXIT_FINE;
  },
});
