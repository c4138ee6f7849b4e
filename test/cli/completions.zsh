# Completes one line in an interactive zsh on a terminal of its own, and writes what is offered to a file, one a line.
# Started by service.test.ts: zsh -f completions.zsh FOLDER-OF-_qos RESULTS LINE
zmodload zsh/zpty || exit 1
export QOS_TEST_FOLDER=$1 QOS_TEST_RESULTS=$2
zpty shell zsh -f -i
zpty -w shell 'PS1= PS2= RPS1=; stty -echo; unsetopt beep; fpath=($QOS_TEST_FOLDER $fpath); autoload -Uz compinit; compinit -u -D
# Every offer goes through compadd, which says with -O what of it fits.
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  local -a offered; builtin compadd -O offered "$@"
  (( $#offered )) && print -rl -- $offered >> $QOS_TEST_RESULTS
  builtin compadd "$@"
}
finish() { print -r -- "" >> $QOS_TEST_RESULTS; print -r -- "and"_"finished"; zle kill-whole-line }
zle -N finish
bindkey "^I" complete-word
bindkey "^G" finish
print -r -- "and"_"ready"'
wait_for() {
  local said all=
  while zpty -r shell said; do
    all+=$said
    [[ $all == *$1* ]] && return
  done
  print -u2 -r -- "the shell ended: $all"
  exit 1
}
wait_for and_ready
zpty -w -n shell "$3"$'\t\C-g'
wait_for and_finished
zpty -d shell
