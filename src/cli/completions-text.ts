// Completions for bash, zsh and fish, made from the commands and their flags. Pure: definitions in, text out.

import { type Flag, flagName } from "../settings/flags.ts";
import type { AnyCommand } from "./command.ts";
import { FOLLOWING, type Offer, offerOfFlag, offerOfPlace } from "./completion-words.ts";

interface Word {
  readonly flag: string;
  readonly row: Flag<unknown>;
  readonly offer: Offer;
}

const flagsOf = (one: AnyCommand): Word[] =>
  Object.entries(one.flags).map(([name, row]) => ({
    flag: flagName(name, row),
    row,
    offer: row.kind === "switch" ? { kind: "none" } : offerOfFlag(name, row),
  }));

/** Places of arguments with what may stand there; the first is 1. */
const placesOf = (one: AnyCommand) =>
  (one.positionals ?? []).map((place, i) => ({ place: i + 1, name: place.name, offer: offerOfPlace(place) }));

/** Flags and no command mean run. */
const RUN = "run";

/** Words of bash that fill COMPREPLY. */
function bashReply(offer: Offer): string {
  switch (offer.kind) {
    case "words":
      return `($(compgen -W "${offer.words.join(" ")}" -- "$word"))`;
    case "words-or-file":
      return `($(compgen -W "${offer.words.join(" ")}" -- "$word") $(compgen -f -- "$word"))`;
    case "none":
      return "()";
    default:
      return `($(compgen -${{ file: "f", user: "u", group: "g" }[offer.kind]} -- "$word"))`;
  }
}

export function bashCompletion(commands: readonly AnyCommand[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  const cases = commands.map(
    (one) =>
      `    ${one.name}) flags="${flagsOf(one)
        .map(({ flag }) => flag)
        .join(" ")} --help" ;;`,
  );
  const values = commands.flatMap((one) =>
    flagsOf(one)
      .filter(({ row }) => row.kind !== "switch")
      .map(({ flag, offer }) => `    "${one.name} ${flag}") COMPREPLY=${bashReply(offer)}; return ;;`),
  );
  const places = commands.flatMap((one) =>
    placesOf(one)
      .filter(({ offer }) => offer.kind !== "none")
      .map(({ place, offer }) => `    "${one.name} ${place + 1}") COMPREPLY=${bashReply(offer)} ;;`),
  );
  const following = FOLLOWING.map(
    ({ command, after, words }) =>
      `  if [ "$command \${COMP_WORDS[2]} $COMP_CWORD" = "${command} ${after} 3" ]; then ` +
      `COMPREPLY=${bashReply({ kind: "words", words })}; return; fi`,
  );
  return `# Completions of qos for bash. In ~/.bashrc: source <(qos completions bash)
_qos() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}" flags
  case " ${names} " in
    *" $command "*) ;;
    *) command=${RUN} ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ] && [[ $word != -* ]]; then
    COMPREPLY=($(compgen -W "${names} --help --version" -- "$word"))
    return
  fi
  case "$command $before" in
${values.join("\n")}
  esac
  case "$command" in
${cases.join("\n")}
  esac
  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$word")); return; fi
${following.join("\n")}
  case "$command $COMP_CWORD" in
${places.join("\n")}
    *) COMPREPLY=() ;;
  esac
}
complete -o filenames -F _qos qos
`;
}

/** A text inside of single quotes of zsh and fish. */
const quoted = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`;
/** In a specification of zsh's _arguments, colons and brackets have a meaning. */
const zshText = (text: string): string => text.replace(/[\\:[\]]/g, "\\$&");

/** An action of zsh's _arguments. */
function zshAction(offer: Offer): string {
  switch (offer.kind) {
    case "words":
      return `(${offer.words.join(" ")})`;
    case "words-or-file":
      return `{_qos_words_or_files ${offer.words.join(" ")}}`;
    case "none":
      return " ";
    default:
      return { file: "_files", user: "_users", group: "_groups" }[offer.kind];
  }
}

export function zshCompletion(commands: readonly AnyCommand[]): string {
  const list = commands.map(({ name, summary }) => `    ${quoted(`${name}:${zshText(summary)}`)}`).join("\n");
  const cases = commands.map((one) => {
    const specs = flagsOf(one).map(({ flag, row, offer }) => {
      const help = `[${zshText(row.help)}]`;
      if (row.kind === "switch") return quoted(`${flag}${help}`);
      return quoted(`${flag}=${help}:${zshText(row.hint)}:${zshAction(offer)}`);
    });
    const following = FOLLOWING.find(({ command }) => command === one.name);
    const places = placesOf(one).map(({ place, name, offer }) => {
      const action =
        place === 2 && following !== undefined
          ? `{_qos_after ${following.after} ${following.words.join(" ")}}`
          : zshAction(offer);
      return quoted(`${place}:${zshText(name)}:${action}`);
    });
    return `    ${one.name})\n      _arguments ${["'--help[this command]'", ...specs, ...places].join(" \\\n        ")}\n      ;;`;
  });
  return `#compdef qos
# Completions of qos for zsh. Somewhere in $fpath: qos completions zsh > _qos
_qos_words_or_files() { _alternative "words:word:($*)" "files:file:_files" }
# Words of the second argument where the first one is this.
_qos_after() { [[ $words[2] == $1 ]] && compadd -- "\${@[2,-1]}" }
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

/** What fish's complete says of a value. */
function fishValue(offer: Offer): string {
  switch (offer.kind) {
    case "words":
      return ` -x -a '${offer.words.join(" ")}'`;
    case "words-or-file":
      return ` -r -F -a '${offer.words.join(" ")}'`;
    case "file":
      return " -r -F";
    case "none":
      return " -x";
    default:
      return ` -x -a '(__fish_complete_${offer.kind}s)'`;
  }
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
    "# Whether the first argument is this word.",
    "function __qos_after",
    "    set -l words (commandline -opc)",
    "    set -q words[3]; and test $words[3] = $argv[1]",
    "end",
    "complete -c qos -f",
  ];
  for (const { name, summary } of commands) {
    lines.push(`complete -c qos -n '__qos_at 1' -a ${name} -d ${quoted(summary)}`);
  }
  for (const one of commands) {
    const here = `__qos_is ${one.name}`;
    for (const { place, offer } of placesOf(one)) {
      const at = `complete -c qos -n '${here}; and __qos_at ${place + 1}'`;
      if (offer.kind === "file") lines.push(`${at} -F`);
      for (const word of offer.words ?? []) lines.push(`${at} -a ${word}`);
    }
    for (const { command, after, words } of FOLLOWING) {
      const at = `${here}; and __qos_at 3; and __qos_after ${after}`;
      if (command === one.name) lines.push(`complete -c qos -n '${at}' -a '${words.join(" ")}'`);
    }
    lines.push(`complete -c qos -n '${here}' -l help -d 'this command'`);
    for (const { flag, row, offer } of flagsOf(one)) {
      const value = row.kind === "switch" ? "" : fishValue(offer);
      lines.push(`complete -c qos -n '${here}' -l ${flag.slice(2)}${value} -d ${quoted(row.help)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
