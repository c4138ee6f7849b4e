// `qos patch`: puts the validator's side into a validator's source tree, or takes it out again.

import { Failure } from "../../failure.ts";
import { diffOf } from "../../patch/diff.ts";
import {
  carryOut,
  isChange,
  linesInOthersFiles,
  type Plan,
  planPatch,
  planUndo,
  problemsOf,
  strangers,
} from "../../patch/patch.ts";
import { findTree, type Tree } from "../../patch/tree.ts";
import { EXIT_FAILED, EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { onOff } from "../../settings/flags.ts";
import { command } from "../command.ts";
import type { Output } from "../output.ts";

const NEXT = [
  "Next: build the validator as always (the first time without --locked: its lock file gets one crate), and start it with",
  "QOS_CHANNELS=PREFIX in its environment, and qos with --prefix PREFIX.",
];

function placesForMachines({ places }: Plan): unknown[] {
  return places.map(({ place, found, needed }) => ({
    crate: place.crate,
    file: place.file,
    what: place.what,
    does: place.does,
    needed,
    found,
  }));
}

function showPlaces({ places }: Plan, out: Output): void {
  for (const { place, found, needed } of places) {
    const level = !needed ? "none" : found === 1 ? "ok" : "fail";
    const count = !needed ? "not in this version, and not needed" : `found ${found === 1 ? "once" : `${found} times`}`;
    out.line(`${level.padEnd(4)}  ${place.crate}/${place.file}: ${place.what}: ${count}`);
    out.line(`      ${place.does}`);
  }
}

function undo(tree: Tree, json: boolean, out: Output): number {
  const changes = planUndo(tree);
  const foreign = strangers(changes);
  const done = carryOut(changes.filter(({ isOurs, name }) => !isOurs || !foreign.some((one) => one.startsWith(name))));
  if (json) out.json({ folder: tree.folder, version: tree.version, changed: done.map(({ name }) => name) });
  else {
    for (const { name, willBe } of done) out.line(`${willBe === undefined ? "removed " : "restored"}  ${name}`);
    out.line(done.length === 0 ? "nothing of qos is there" : "the tree is as it was before qos patch");
  }
  return EXIT_FINE;
}

function apply(tree: Tree, plan: Plan, json: boolean, out: Output): number {
  const done = carryOut(plan.changes);
  const lines = linesInOthersFiles(plan);
  if (json) {
    const changed = done.map(({ name }) => name);
    out.json({ folder: tree.folder, version: tree.version, places: placesForMachines(plan), lines, changed });
    return EXIT_FINE;
  }
  for (const { name, was } of done) out.line(`${was === undefined ? "new    " : "changed"}  ${name}`);
  if (done.length === 0) out.line(`solana-core ${tree.version}: everything is there already`);
  else {
    out.line(`solana-core ${tree.version}: ${lines} lines in files of others; qos patch --undo takes all of it out`);
    for (const line of NEXT) out.line(line);
  }
  return EXIT_FINE;
}

export default command({
  name: "patch",
  summary: "puts the validator's side into a validator's sources",
  about:
    "Puts the validator's side of the channels into a source tree: the agave or jito-solana repository, or a folder with " +
    "solana-core and solana-runtime of one version unpacked in it. New files of ours, and a few lines in files of others, " +
    "at places that are found by what stands there. Where a place is not found exactly once, it is named and nothing is " +
    "written. A validator that is built so works as before until QOS_CHANNELS is set in its environment.",
  flags: {
    check: onOff({ help: "say what would be done and whether each place is found; write nothing" }),
    diff: onOff({ help: "print the whole change as a diff; write nothing" }),
    undo: onOff({ help: "take everything out again: the tree is then what it was, byte for byte" }),
    json: onOff({ help: "print JSON for machines" }),
  },
  positionals: [{ name: "DIR", help: "the source tree", required: true }],
  examples: [
    { line: "qos patch --check agave", says: "whether this version can be patched" },
    { line: "qos patch agave", says: "puts it in" },
    { line: "qos patch --undo agave", says: "takes it out" },
  ],
  run: ({ values, positionals, out }) => {
    const { check, diff, json } = values;
    if ([check, diff, values.undo].filter(Boolean).length > 1) {
      throw new UsageError("--check, --diff and --undo exclude one another");
    }
    const tree = findTree(positionals[0]);
    if (values.undo) return undo(tree, json, out);
    const plan = planPatch(tree);
    const problems = problemsOf(plan);
    if (check) {
      const pending = plan.changes.filter(isChange).map(({ name }) => name);
      const lines = linesInOthersFiles(plan);
      if (json) {
        const places = placesForMachines(plan);
        out.json({ folder: tree.folder, version: tree.version, places, problems, lines, pending });
      } else {
        out.line(`solana-core ${tree.version} in ${tree.folder}`);
        showPlaces(plan, out);
        for (const problem of strangers(plan.changes)) out.line(`fail  ${problem}`);
        if (problems.length > 0) out.line(`${problems.length} problems: nothing would be written`);
        else if (pending.length === 0) out.line("everything is there already");
        else out.line(`would write ${pending.length} files, ${lines} lines of them in files of others`);
      }
      return problems.length > 0 ? EXIT_FAILED : EXIT_FINE;
    }
    if (problems.length > 0) {
      throw new Failure(
        `solana-core ${tree.version} cannot be patched; nothing was written:\n  ${problems.join("\n  ")}`,
      );
    }
    if (diff) {
      const text = diffOf(plan.changes, tree.folder);
      if (json) out.json({ folder: tree.folder, version: tree.version, diff: text });
      else out.line(text.replace(/\n$/, ""));
      return EXIT_FINE;
    }
    return apply(tree, plan, json, out);
  },
});
