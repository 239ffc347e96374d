#compdef PROGRAM
# zsh completion for PROGRAM; see PROGRAM completion --help. The program says what can come next.

_FUNCTION() {
  local also='' line word description
  local -a answer described
  answer=("${(@f)$("${(Q)words[1]/#\~\//$HOME/}" complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "${answer[@]}"; do
    case $line in
      '') ;;
      :*) also=${line#:} ;;
      *)
        word=${line%%$'\t'*}
        description=''
        [[ $line != *$'\t'* ]] || description=":${line#*$'\t'}"
        described+=("${word//:/\\:}$description")
        ;;
    esac
  done
  (( ! ${#described} )) || _describe -V 'PROGRAM' described
  case $also in
    files) _files ;;
    directories) _files -/ ;;
    commands) _normal -p PROGRAM || _command_names -e ;;
  esac
}

if [[ ${funcstack[1]} == _FUNCTION || ${funcstack[1]} == _PROGRAM ]]; then
  _FUNCTION "$@"
else
  compdef _FUNCTION PROGRAM
fi
