# bash completion for PROGRAM; see PROGRAM completion --help. The program says what can come next.
# shellcheck shell=bash

# Adds a word as the shell has to be given it. In quotes that are open the word is inserted as it is, so that what would
# end them, or be run within them, is quoted for them: names are those of somebody's tables and files.
_FUNCTION_quote() {  # CURRENT WORD
  local word='' character i
  case $1 in
    \"*)
      for ((i = 0; i < ${#2}; i++)); do
        character=${2:i:1}
        [[ $character != [\"\$\`\\] ]] || word+=\\
        word+=$character
      done
      ;;
    \'*) word=${2//\'/\'\\\'\'} ;;
    *) printf -v word '%q' "$2" ;;
  esac
  COMPREPLY+=("$word")
}

_FUNCTION() {
  local also='' line current=${COMP_WORDS[COMP_CWORD]}
  local -a answer=()
  COMPREPLY=()
  mapfile -t answer < <("${COMP_WORDS[0]/#\~\//$HOME/}" complete --quoted -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  for line in "${answer[@]}"; do
    case $line in
      :*) also=${line#:} ;;
      *)
        line=${line%%$'\t'*}
        _FUNCTION_quote "$current" "$line"
        ;;
    esac
  done
  [[ $current != '=' ]] || current=''
  case $also in
    files) compopt -o default ;;
    directories) compopt -o dirnames ;;
    commands)
      while IFS= read -r line; do _FUNCTION_quote "$current" "$line"; done < <(compgen -A command -A file -- "$current")
      ;;
  esac
}

complete -F _FUNCTION PROGRAM
