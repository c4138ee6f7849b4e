// `npm run docs`: writes the parts of documents that are made from the program's own tables.

import { join } from "node:path";
import { makeSections, replaceSections } from "./sections.ts";

for (const [document, sections] of await makeSections()) {
  const path = join(import.meta.dir, "../..", document);
  await Bun.write(path, replaceSections(await Bun.file(path).text(), sections));
}
