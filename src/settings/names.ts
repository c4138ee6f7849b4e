// camelCase settings and kebab-case flags.

/** `useHugePages` -> `use-huge-pages`; a number is a word (`preSimd0170` -> `pre-simd-0170`), one digit is not (`ipv6`). */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replace(/(?<=[a-z])(?=\d\d)/g, "-");
}
