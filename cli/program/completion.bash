# bash completion for PROGRAM; see PROGRAM completion --help. The program says what can come next.
# shellcheck shell=bash

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
        # In quotes that are open the word is inserted as it is.
        [[ $current == [\"\']* ]] || printf -v line '%q' "$line"
        COMPREPLY+=("$line")
        ;;
    esac
  done
  [[ $current != '=' ]] || current=''
  case $also in
    files) compopt -o default ;;
    directories) compopt -o dirnames ;;
    commands) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -A command -A file -- "$current") ;;
  esac
}

complete -F _FUNCTION PROGRAM
