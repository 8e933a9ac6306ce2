# Completion of ktask for bash.
_ktask() {
  local line=${COMP_LINE:0:COMP_POINT} program current cut found
  local -a words
  IFS=$' \t' read -ra words <<<"$line"
  case $line in *[[:space:]]) words+=('') ;; esac
  program=${words[0]}
  type -P "$program" >/dev/null || program=ktask
  current=${words[${#words[@]} - 1]}
  # Readline takes what follows the last = or : for the word.
  cut=${current%"${current##*[=:]}"}
  COMPREPLY=()
  while IFS=$'\t' read -r found _; do
    COMPREPLY+=("${found#"$cut"}")
  done < <("$program" __complete -- "${words[@]:1:${#words[@]} - 2}" ".$current" 2>/dev/null)
}
complete -o default -F _ktask ktask
