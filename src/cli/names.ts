// camelCase settings and kebab-case flags.

/** `useHugePages` -> `use-huge-pages`; digits stay with what stands before them (`ipv6`). */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
