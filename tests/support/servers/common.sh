# shellcheck shell=bash
# The server scripts beside it source it: free ports, background processes by pid, readiness.
# Everything listens on 127.0.0.1 only. Programs go to $TROUPE_SERVERS, by default
# ~/.cache/troupe/servers.
set -euo pipefail
# shellcheck disable=SC2034  # for the scripts that source this
prefix=${TROUPE_SERVERS:-${XDG_CACHE_HOME:-$HOME/.cache}/troupe/servers}

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# free_port: a port below the ephemeral range that nothing listens on now.
free_port() {
  local p
  while :; do
    p=$((20000 + RANDOM % 10000))
    (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || {
      echo "$p"
      return
    }
  done
}

# start_time PID: empty if the process has ended (a zombie counts as ended).
start_time() { sed -n 's/.*) \([^Z] .*\)/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# spawn DIR COMMAND...: runs it in its own session; output to DIR/log, pid and start to DIR/pid.
spawn() {
  local dir=$1 pid
  shift
  setsid "$@" </dev/null >>"$dir/log" 2>&1 &
  pid=$!
  disown "$pid" 2>/dev/null || true
  echo "$pid $(start_time "$pid")" >"$dir/pid"
}

# alive DIR: whether the process that spawn recorded in DIR still runs.
alive() {
  local pid started
  [ -s "$1/pid" ] && read -r pid started <"$1/pid" && [ -n "$started" ] &&
    [ "$(start_time "$pid")" = "$started" ]
}

# wait_until DIR SECONDS COMMAND...: tries every 20 ms; fails at once if the process has ended.
wait_until() {
  local dir=$1 end=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    alive "$dir" || {
      tail -n 20 "$dir/log" >&2
      die "the server ended during start (log: $dir/log)"
    }
    ((SECONDS < end)) || {
      tail -n 20 "$dir/log" >&2
      die "not ready in time (log: $dir/log)"
    }
    sleep 0.02
  done
}

http_ok() { curl -fsS --noproxy '*' -m 2 -o /dev/null "$1"; }

# stop_dir DIR: ends only the process that spawn recorded in DIR, and waits for its end.
stop_dir() {
  local dir=$1 pid i
  alive "$dir" || {
    rm -f "$dir/pid"
    return 0
  }
  read -r pid _ <"$dir/pid"
  kill -TERM "$pid" 2>/dev/null || true
  for ((i = 0; i < 500; i++)); do
    alive "$dir" || break
    sleep 0.02
  done
  alive "$dir" && kill -KILL "$pid" 2>/dev/null
  rm -f "$dir/pid"
}
