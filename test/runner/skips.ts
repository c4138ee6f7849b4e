// Names of skipped tests, out of the report that `bun test --reporter=junit` writes: with `--only-failures` it prints none.

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

const text = (xml: string): string =>
  xml.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return ENTITIES[name] ?? whole;
  });

/**
 * One line for each skipped test, `file: group > name`; of a group that is skipped as a whole one line with its count.
 * @param report the file's content; "" if there is no file
 */
export function skippedTests(report: string): string[] {
  const groups = new Map<string, string[]>();
  for (const [, attributes, body = ""] of report.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    if (!body.includes("<skipped")) continue;
    const attribute = (name: string): string =>
      text(new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
    const group = `${attribute("file").replace(/^(\.\/)?test\//, "")}: ${attribute("classname")}`;
    groups.set(group, [...(groups.get(group) ?? []), attribute("name")]);
  }
  return [...groups].flatMap(([group, names]) =>
    /\((needs|only) [^)]*\)$/.test(group)
      ? [`${group}${names.length === 1 ? ` > ${names[0]}` : `, ${names.length} tests`}`]
      : names.map((name) => (group.endsWith(": ") ? `${group}${name}` : `${group} > ${name}`)),
  );
}
