# shellcheck shell=bash
# For sourcing: whether this machine's Go can build servers that are Go modules.
go_is_new_enough() { # 1.25
  local major minor
  command -v go >/dev/null || return 1
  IFS=. read -r major minor _ < <(go env GOVERSION | sed 's/^go//')
  minor=${minor%%[!0-9]*}
  ((major > 1 || (major == 1 && ${minor:-0} >= 25)))
}
