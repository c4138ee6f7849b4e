// Plans, writes and takes back the validator's side in a source tree. A plan reads everything and writes nothing; it is
// carried out only where every place was found exactly once.

import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Failure } from "../failure.ts";
import { type Insertion, PLACES, type Place, withoutOurLines } from "./places.ts";
import { BRIDGE_FOLDER, FILE_MARK, NEW_FILES } from "./sources.ts";
import type { Tree } from "./tree.ts";

/** How a place was found in a tree. */
export interface FoundPlace {
  readonly place: Place;
  /** How often it is there. */
  readonly found: number;
  /** False where this version of the validator has no such place, and needs none. */
  readonly needed: boolean;
}

/** A file as it is and as it shall be; undefined stands for no file. */
export interface Change {
  readonly path: string;
  /** From the tree's folder of the crate, for people: `solana-core/src/tpu.rs`. */
  readonly name: string;
  readonly isOurs: boolean;
  readonly was: string | undefined;
  readonly willBe: string | undefined;
  /** Lines of ours in a file of others. */
  readonly insertions: readonly Insertion[];
  /** A file of others without lines of ours. */
  readonly clean: string;
}

export interface Plan {
  readonly places: readonly FoundPlace[];
  readonly changes: readonly Change[];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new Failure(`${path} cannot be read (${code})`);
  }
}

function insert(text: string, insertions: readonly Insertion[]): string {
  let result = "";
  let from = 0;
  for (const { at, lines } of insertions) {
    result += text.slice(from, at) + lines.map((line) => `${line}\n`).join("");
    from = at;
  }
  return result + text.slice(from);
}

/** What the patch changes in a tree, whatever of it is there already. */
export function planPatch(tree: Tree): Plan {
  const places: FoundPlace[] = [];
  const changes: Change[] = [];
  const files = new Map<string, Place[]>();
  for (const place of PLACES) {
    const path = join(tree.crates[place.crate], place.file);
    files.set(path, [...(files.get(path) ?? []), place]);
  }
  for (const [path, wanted] of files) {
    const was = read(path);
    const clean = withoutOurLines(was ?? "");
    const insertions: Insertion[] = [];
    for (const place of wanted) {
      const needed = place.neededWhere?.test(clean) ?? true;
      const found = needed ? place.find(clean) : [];
      places.push({ place, found: found.length, needed });
      if (found.length === 1) insertions.push(...found[0]);
    }
    insertions.sort((a, b) => a.at - b.at);
    const { crate, file } = wanted[0];
    const willBe = was === undefined ? undefined : insert(clean, insertions);
    changes.push({ path, name: `${crate}/${file}`, isOurs: false, was, willBe, insertions, clean });
  }
  for (const { crate, path, text } of NEW_FILES) {
    const at = join(tree.crates[crate], path);
    changes.push({
      path: at,
      name: `${crate}/${path}`,
      isOurs: true,
      was: read(at),
      willBe: text,
      insertions: [],
      clean: "",
    });
  }
  return { places, changes };
}

/** What takes the patch out of a tree again. */
export function planUndo(tree: Tree): Change[] {
  return planPatch(tree).changes.map((change) => ({
    ...change,
    willBe: change.isOurs || change.was === undefined ? undefined : change.clean,
    insertions: [],
  }));
}

/** What keeps a plan from being carried out, in a sentence each. */
export function problemsOf({ places, changes }: Plan): string[] {
  return [
    ...places
      .filter(({ found, needed }) => needed && found !== 1)
      .map(({ place, found }) => {
        const times = found === 0 ? "is not there" : `is there ${found} times`;
        return `${place.crate}/${place.file}: ${place.what} ${times}`;
      }),
    ...strangers(changes),
  ];
}

/** Files in our places that are not ours. */
export function strangers(changes: readonly Change[]): string[] {
  return changes
    .filter(({ isOurs, was }) => isOurs && was !== undefined && !was.startsWith(FILE_MARK))
    .map(({ name }) => `${name} is there and was not written by qos patch; move it away`);
}

/** Lines of ours that a plan has in files of others. */
export function linesInOthersFiles({ changes }: Plan): number {
  return changes.flatMap(({ insertions }) => insertions).reduce((sum, { lines }) => sum + lines.length, 0);
}

export const isChange = ({ was, willBe }: Change): boolean => was !== willBe;

/**
 * Carries changes out. Run again after a failure, it does what is missing.
 * @returns those that changed something
 * @throws Failure that names the file that cannot be written
 */
export function carryOut(changes: readonly Change[]): Change[] {
  const done = changes.filter(isChange);
  for (const { path, willBe, isOurs } of done) {
    try {
      if (willBe !== undefined) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, willBe);
        continue;
      }
      rmSync(path);
      const folder = dirname(path);
      if (isOurs && folder.endsWith(BRIDGE_FOLDER) && readdirSync(folder).length === 0) rmdirSync(folder);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new Failure(
        `${path} cannot be written (${code}); what was done before it stays, and running again goes on`,
      );
    }
  }
  return done;
}
