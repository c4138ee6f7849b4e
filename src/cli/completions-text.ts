// Completions for bash, zsh and fish, made from the commands and their flags. Pure: definitions in, text out.

import { type Flag, flagName } from "../settings/flags.ts";
import type { AnyCommand } from "./command.ts";

interface Word {
  readonly flag: string;
  readonly row: Flag<unknown>;
}

const flagsOf = (one: AnyCommand): Word[] =>
  Object.entries(one.flags).map(([name, row]) => ({ flag: flagName(name, row), row }));

/** Words that a command's first argument is one of: `show|init|check`. */
function wordsOf(one: AnyCommand): string[] {
  const [first] = one.positionals ?? [];
  return first === undefined || !/^[a-z][a-z0-9-]*(\|[a-z][a-z0-9-]*)*$/.test(first.name) ? [] : first.name.split("|");
}

/** Places of arguments that are files, the first being 1: `config check FILE`. */
const filePlaces = (one: AnyCommand): number[] =>
  (one.positionals ?? []).flatMap(({ name }, i) => (name === "FILE" ? [i + 1] : []));

/** Whether a flag's value is a file's name. */
const isFile = ({ kind }: Flag<unknown>): boolean => kind === "path";

/** Flags and no command mean run. */
const RUN = "run";

export function bashCompletion(commands: readonly AnyCommand[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  const cases = commands.map((one) => {
    const flags = flagsOf(one);
    const files = filePlaces(one).map((place) => place + 1);
    return `    ${one.name}) flags="${flags.map(({ flag }) => flag).join(" ")} --help"; words="${wordsOf(one).join(" ")}"; files=" ${files.join(" ")} " ;;`;
  });
  const values = commands.flatMap((one) =>
    flagsOf(one)
      .filter(({ row }) => row.choices.length > 0)
      .map(
        ({ flag, row }) =>
          `    "${one.name} ${flag}") COMPREPLY=($(compgen -W "${row.choices.join(" ")}" -- "$word")); return ;;`,
      ),
  );
  const files = commands.flatMap((one) =>
    flagsOf(one)
      .filter(({ row }) => isFile(row))
      .map(({ flag }) => `"${one.name} ${flag}"`),
  );
  const others = commands.flatMap((one) =>
    flagsOf(one)
      .filter(({ row }) => row.kind !== "switch" && row.choices.length === 0 && !isFile(row))
      .map(({ flag }) => `"${one.name} ${flag}"`),
  );
  const rule = (patterns: readonly string[], reply: string): string[] =>
    patterns.length === 0 ? [] : [`    ${patterns.join("|")}) COMPREPLY=${reply}; return ;;`];
  return `# Completions of qos for bash. In ~/.bashrc: source <(qos completions bash)
_qos() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}" flags words files
  case " ${names} " in
    *" $command "*) ;;
    *) command=${RUN} ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ] && [[ $word != -* ]]; then
    COMPREPLY=($(compgen -W "${names} --help --version" -- "$word"))
    return
  fi
  case "$command $before" in
${[...values, ...rule(files, '($(compgen -f -- "$word"))'), ...rule(others, "()")].join("\n")}
  esac
  case "$command" in
${cases.join("\n")}
  esac
  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$word"))
  elif [ -n "$words" ] && [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "$words" -- "$word"))
  elif [[ $files == *" $COMP_CWORD "* ]]; then COMPREPLY=($(compgen -f -- "$word"))
  else COMPREPLY=()
  fi
}
complete -o filenames -F _qos qos
`;
}

/** A text inside of single quotes of zsh and fish. */
const quoted = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`;
/** In a specification of zsh's _arguments, colons and brackets have a meaning. */
const zshText = (text: string): string => text.replace(/[\\:[\]]/g, "\\$&");

export function zshCompletion(commands: readonly AnyCommand[]): string {
  const list = commands.map(({ name, summary }) => `    ${quoted(`${name}:${zshText(summary)}`)}`).join("\n");
  const cases = commands.map((one) => {
    const specs = flagsOf(one).map(({ flag, row }) => {
      const help = `[${zshText(row.help)}]`;
      if (row.kind === "switch") return quoted(`${flag}${help}`);
      const action = row.choices.length > 0 ? `(${row.choices.join(" ")})` : isFile(row) ? "_files" : " ";
      return quoted(`${flag}=${help}:${zshText(row.hint)}:${action}`);
    });
    const places = (one.positionals ?? []).map(({ name }, i) => {
      const words = i === 0 ? wordsOf(one) : [];
      const action = words.length > 0 ? `(${words.join(" ")})` : name === "FILE" ? "_files" : " ";
      return quoted(`${i + 1}:${zshText(name)}:${action}`);
    });
    return `    ${one.name})\n      _arguments ${["'--help[this command]'", ...specs, ...places].join(" \\\n        ")}\n      ;;`;
  });
  return `#compdef qos
# Completions of qos for zsh. Somewhere in $fpath: qos completions zsh > _qos
_qos() {
  local -a commands
  commands=(
${list}
  )
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe command commands
    return
  fi
  local command=$words[2]
  if [[ $command == -* ]]; then command=${RUN}; else shift words; (( CURRENT-- )); fi
  case $command in
${cases.join("\n")}
  esac
}
if [ "$funcstack[1]" = "_qos" ]; then _qos "$@"; else compdef _qos qos; fi
`;
}

export function fishCompletion(commands: readonly AnyCommand[]): string {
  const lines = [
    "# Completions of qos for fish. qos completions fish > ~/.config/fish/completions/qos.fish",
    "# Whether this is the command; flags without one are run's. `config check` is config, and not check as well.",
    "function __qos_is",
    "    set -l words (commandline -opc)",
    "    set -q words[2]; or begin",
    `        string match -q -- "-*" (commandline -ct); and test $argv[1] = ${RUN}`,
    "        return",
    "    end",
    `    string match -q -- "-*" $words[2]; and set words[2] ${RUN}`,
    "    test $words[2] = $argv[1]",
    "end",
    "# Whether the cursor is at this word, the command being 1.",
    "function __qos_at",
    "    test (count (commandline -opc)) -eq $argv[1]",
    "end",
    "complete -c qos -f",
  ];
  for (const { name, summary } of commands) {
    lines.push(`complete -c qos -n '__qos_at 1' -a ${name} -d ${quoted(summary)}`);
  }
  for (const one of commands) {
    const here = `__qos_is ${one.name}`;
    for (const word of wordsOf(one)) lines.push(`complete -c qos -n '${here}; and __qos_at 2' -a ${word}`);
    for (const place of filePlaces(one)) lines.push(`complete -c qos -n '${here}; and __qos_at ${place + 1}' -F`);
    lines.push(`complete -c qos -n '${here}' -l help -d 'this command'`);
    for (const { flag, row } of flagsOf(one)) {
      const value =
        row.kind === "switch"
          ? ""
          : row.choices.length > 0
            ? ` -x -a '${row.choices.join(" ")}'`
            : isFile(row)
              ? " -r -F"
              : " -x";
      lines.push(`complete -c qos -n '${here}' -l ${flag.slice(2)}${value} -d ${quoted(row.help)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
