
set -euo pipefail

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Everything has this prefix, so that nothing else is touched.
ns() { printf '%s%s' "$prefix" "$1"; }
in_host() { local host=$1; shift; ip netns exec "$(ns "$host")" "$@"; }

# A setting that some kernels lack (IPv6 may be compiled out).
# shellcheck disable=SC2016
default_setting() {
  in_host "$1" bash -c 'if [ -e "/proc/sys/$1" ]; then printf %s "$2" >"/proc/sys/$1"; fi' -- "$2" "$3"
}
# shellcheck disable=SC2016
setting() {
  in_host "$1" bash -c 'printf %s "$2" >"/proc/sys/$1"' -- "$2" "$3" || fail "host $1: cannot set $2"
}

# The tool of a host's iptables: with both kinds installed, their names tell them apart.
xtables() {
  local host=$1 family=$2 kind=$3 tool=$4 name; shift 4
  name=$family-$kind$tool
  if ! command -v "$name" >/dev/null; then name=$family$tool; fi
  in_host "$host" "$name" "$@"
}

# Starts a host's agent, which holds its servers and sends from its sockets.
agent_start() {
  local host=$1 config=$2 socket="$state/$1"
  in_host "$host" python3 -c "$agent" serve "$socket" "$config" </dev/null >"$socket.log" 2>&1 &
  for _ in $(seq 100); do
    if [ -S "$socket" ]; then return; fi
    if ! kill -0 $! 2>/dev/null; then break; fi
    sleep 0.05
  done
  cat "$socket.log" >&2
  fail "host $host: its servers did not start"
}
agent_ask() { python3 -c "$agent" ask "$state/$1" "$2"; }

need() { command -v "$1" >/dev/null || missing+=("$1 ($2)"); }

check() {
  missing=()
  [ "$(uname -s)" = Linux ] || fail 'this needs Linux'
  [ "$(id -u)" = 0 ] || fail 'this needs root, to make network namespaces'
  needs
  if [ ${#missing[@]} -gt 0 ]; then
    printf '%s: missing: %s\n' "${0##*/}" "${missing[@]}" >&2
    exit 1
  fi
}

up_already() {
  local host
  for host in "${hosts[@]}"; do
    if [ -e "/run/netns/$(ns "$host")" ]; then return 0; fi
  done
  return 1
}

up() {
  if up_already; then fail 'the lab is up already; take it down first'; fi
  mkdir -p "$state"
  trap 'down; exit 1' EXIT INT TERM
  build
  servers
  trap - EXIT INT TERM
}

down() {
  local host name signal
  trap - EXIT INT TERM
  for host in "${hosts[@]}"; do
    name=$(ns "$host")
    if [ ! -e "/run/netns/$name" ]; then continue; fi
    # The processes of our own namespace, and no others: first asked to end, then ended.
    for signal in TERM KILL; do
      # shellcheck disable=SC2046
      kill -s "$signal" $(ip netns pids "$name") 2>/dev/null || true
      for _ in $(seq 40); do
        if [ -z "$(ip netns pids "$name")" ]; then break; fi
        sleep 0.05
      done
    done
    ip netns del "$name"
  done
  rm -rf -- "$state"
}
