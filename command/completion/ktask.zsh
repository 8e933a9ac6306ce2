#compdef ktask
# Completion of ktask for zsh.
_ktask() {
  local -a found
  local line program=${(Q)words[1]}
  whence -p -- "$program" >/dev/null || program=ktask
  for line in "${(@f)$("$program" __complete -- "${(@)words[2,CURRENT-1]}" ".${words[CURRENT]}" 2>/dev/null)}"; do
    [[ -z $line ]] || found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( $#found )); then _describe ktask found; else _files; fi
}
if [ "$funcstack[1]" = _ktask ]; then _ktask "$@"; else compdef _ktask ktask; fi
