# Completion for bash. tests/tools holds the verbs and options here against those of the program.

# What a verb takes: its options, and after "|" what its other words are (FILE, DIR, or nothing).
_veneer_words() {
  case $1 in
    '') echo '--help --version --store --trust --json --quiet|' ;;
    keygen) echo '--help --name|DIR' ;;
    patch)
      echo '--help --output --base --on --component --sequence --requires --restart --security-floor --not-removable --advisory' \
        '--key --cert --unsigned|DIR'
      ;;
    seal) echo '--help --output --id --version --model --key --cert --unsigned|DIR' ;;
    withdraw) echo '--help --reason --output --key --cert --unsigned|FILE' ;;
    sign) echo '--help --prepare --attach --output|FILE' ;;
    inspect) echo '--help --tree --verify|FILE' ;;
    init) echo '--help --trust|' ;;
    install) echo '--help --activate --force --next-boot|FILE' ;;
    why-not) echo '--help|FILE' ;;
    activate) echo '--help --force --dry-run --next-boot|' ;;
    revert) echo '--help --to --all --force --dry-run --next-boot|' ;;
    status) echo '--help|' ;;
    list) echo '--help|' ;;
    metrics) echo '--help --output|' ;;
    history) echo '--help --limit|' ;;
    why) echo '--help --generation|FILE' ;;
    diff) echo '--help|' ;;
    ps) echo '--help|' ;;
    mount) echo '--help --generation --foreground --threads --cache --on-corruption|DIR' ;;
    umount) echo '--help --lazy|DIR' ;;
    reload) echo '--help|DIR' ;;
    scan) echo '--help --layer --current --repair|' ;;
    gc) echo '--help --keep --dry-run|' ;;
    repair-catalog) echo '--help|' ;;
    *) return 1 ;;
  esac
}

_veneer_verbs='keygen seal patch sign withdraw inspect init install why-not activate revert status list metrics history why diff ps mount umount reload scan gc repair-catalog'

# The verb among the words before the cursor; nothing if there is none yet.
_veneer_verb() {
  local i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --store | --trust) ((i++)) ;;
      -*) ;;
      *) echo "${COMP_WORDS[i]}" && return ;;
    esac
  done
}

_veneer() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local verb words
  COMPREPLY=()
  verb=$(_veneer_verb)
  words=$(_veneer_words "$verb") || return 0
  case $previous in
    --store | --trust) mapfile -t COMPREPLY < <(compgen -d -- "$current") && return ;;
    -o | --output | --key | --cert | --advisory | --attach | --base | --on) mapfile -t COMPREPLY < <(compgen -f -- "$current") && return ;;
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "${words%|*}" -- "$current")
  elif [[ -z $verb ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$_veneer_verbs" -- "$current")
  else
    case ${words#*|} in
      FILE) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
      DIR) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    esac
  fi
}

complete -o filenames -F _veneer veneer
