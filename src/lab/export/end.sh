
one_probe() {
  say "--- $1: ${names[$1 - 1]}"
  "probe_$1"
}

run() {
  local number
  if ! up_already; then
    up
    trap 'down' EXIT
    trap 'exit 1' INT TERM
  fi
  if [ $# -gt 0 ]; then
    case $1 in '' | *[!0-9]*) fail "no probe number: $1" ;; esac
    if [ "$1" -lt 1 ] || [ "$1" -gt ${#names[@]} ]; then fail "there is no probe $1"; fi
    one_probe "$1"
  else
    for number in $(seq ${#names[@]}); do one_probe "$number"; done
  fi
}

usage() {
  say "usage: ${0##*/} up | down | probes | run [NUMBER] | shell HOST"
  say '  up          build the lab'
  say '  down        take it down again'
  say '  probes      list the probes'
  say '  run         do the probes, or one; builds the lab for it unless it is up'
  say '  shell HOST  a shell in a host of the lab that is up'
}

case ${1:-} in
  up) check; up; say "up: ${hosts[*]}" ;;
  down) check; down ;;
  probes) for at in "${!names[@]}"; do say "$((at + 1)) ${names[at]}"; done ;;
  run) check; shift; run "$@" ;;
  shell)
    check
    for host in "${hosts[@]}"; do
      if [ "$host" = "${2:-}" ]; then in_host "$host" "${SHELL:-bash}"; exit; fi
    done
    fail "no such host: ${2:-}; there are: ${hosts[*]}"
    ;;
  *) usage; exit 2 ;;
esac
