// `qos completions bash|zsh|fish|man`: what a shell and `man` want to know, from the same definitions as the help.

import { EXIT_FINE, UsageError } from "../../settings/errors.ts";
import { nearest } from "../../settings/nearest.ts";
import { VERSION } from "../../version.ts";
import { command } from "../command.ts";
import { bashCompletion, fishCompletion, zshCompletion } from "../completions-text.ts";
import { manPage } from "../man-text.ts";

const KINDS = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
  man: (commands: Parameters<typeof bashCompletion>[0]) => manPage(VERSION, commands),
} as const;

export default command({
  name: "completions",
  summary: "prints completions for a shell, or the man page",
  about: "Prints completions for bash, zsh or fish, or the man page, made from this program's own commands and flags.",
  flags: {},
  positionals: [{ name: Object.keys(KINDS).join("|"), help: "the shell, or man", required: true }],
  examples: [
    { line: "source <(qos completions bash)", says: "completions in this bash" },
    { line: "qos completions man > /usr/local/share/man/man1/qos.1", says: "the man page" },
  ],
  run: async ({ positionals: [kind], out }) => {
    const print = (KINDS as Readonly<Record<string, (typeof KINDS)[keyof typeof KINDS] | undefined>>)[kind];
    if (print === undefined || !Object.hasOwn(KINDS, kind)) {
      const meant = nearest(kind, Object.keys(KINDS));
      throw new UsageError(`no completions for "${kind}"${meant === undefined ? "" : ` (did you mean ${meant}?)`}`);
    }
    // Here and not above: the list of commands names this file.
    const { COMMANDS } = await import("../root.ts");
    const commands = await Promise.all(COMMANDS.map((one) => one.load()));
    out.line(print(commands).trimEnd());
    return EXIT_FINE;
  },
});
