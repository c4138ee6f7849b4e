// `npm run docs`: writes the parts of the README that are made from the program's own tables.

import { join } from "node:path";
import { makeSections, replaceSections } from "./sections.ts";

const path = join(import.meta.dir, "../../README.md");
await Bun.write(path, replaceSections(await Bun.file(path).text(), await makeSections()));
