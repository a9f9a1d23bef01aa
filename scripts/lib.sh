# shellcheck shell=bash
# The scripts beside it source it: messages, packages, builds.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
jobs=${TROUPE_JOBS:-$(nproc)}

bold='' dim='' red='' green='' plain='' clear_line='' live=false
if [ -t 1 ]; then
  live=true clear_line=$'\r\e[K'
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

# say WORDS...: prints what is being done.
say() { echo "${bold}==>${plain} $*"; }
note() { echo "    ${dim}$*${plain}"; }
good() { echo "${green}ok${plain}  $*"; }
bad() { echo "${red}not ok${plain}  $*"; }

# die WORDS...: prints what failed and what to do, and ends the script.
die() {
  echo "${red}$(basename "$0"): $*${plain}" >&2
  exit 1
}

# usage: prints the comment at the top of the calling script.
usage() {
  sed -n '2,/^[^#]/{/^# shellcheck/d;s/^# \{0,1\}//p}' "$0"
  exit "${1:-0}"
}

# shellcheck disable=SC2034  # for the scripts that source this
packages_build=(g++ cmake ninja-build ccache mold python3 curl libcaf-dev libprotobuf-dev
  protobuf-compiler librocksdb-dev prometheus-cpp-dev libcurl4-openssl-dev libboost1.81-dev
  libssl-dev libprotozero-dev libsimdjson-dev libyaml-cpp-dev libcli11-dev libspdlog-dev libfmt-dev
  libxxhash-dev nlohmann-json3-dev libgtest-dev libgmock-dev openssl nginx-light python3-venv)
# What only tests run: a clock that jumps, clients that are slow on purpose.
# shellcheck disable=SC2034
packages_tests=(libfaketime slowhttptest)
# shellcheck disable=SC2034
packages_check=(clang-format-14 clang-tidy-14 shellcheck)

# show_packages: shows the progress of apt-get install.
show_packages() {
  local line total='?' fetched=0 count=0
  while IFS= read -r line; do
    case $line in
    *' newly installed, '*) total=${line#*upgraded, } total=${total%% *} ;;
    Get:*) fetched=$((fetched + 1)) ;;
    'Setting up '*) count=$((count + 1)) ;;
    *) continue ;;
    esac
    if $live; then
      printf '%s    %d of %s packages fetched, %d installed' \
        "$clear_line" "$fetched" "$total" "$count"
    elif (((fetched + count) % 50 == 0)); then
      echo "    $fetched of $total packages fetched, $count installed"
    fi
  done
  if $live; then printf '%s' "$clear_line"; fi
}

# need_packages NAME...: installs the missing ones of these Debian packages, and nothing else.
need_packages() {
  local missing have log=build/packages.log as_root=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    note "This is not Debian: the libraries that scripts/lib.sh lists must already be here."
    return
  fi
  have=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^ii *//p' || true)
  missing=$(comm -23 <(printf '%s\n' "$@" | sort -u) <(sort -u <<<"$have"))
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2086  # one word per package
  set -- $missing
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null ||
      die "packages are missing. As root (or after \`sudo -v\`): apt-get install $*"
    as_root=(sudo -n)
  fi
  mkdir -p build
  say "Installing $# Debian packages"
  note "$*"
  as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q)
  install_packages() {
    "${as_root[@]}" install --no-install-recommends "$@" </dev/null 2>&1 |
      tee "$log" | show_packages
  }
  install_packages "$@" && return
  note "refreshing the package lists first"
  if ! { "${as_root[@]}" update >"$log" 2>&1 </dev/null && install_packages "$@"; }; then
    tail -n 15 "$log" >&2
    die "apt-get failed (above, and in $log). Debian 12 has all of them: check network and sources."
  fi
}

# show_progress HEADING: draws one line from ninja's output; without a terminal, one line for each
# tenth. Prints nothing if there is nothing to build.
show_progress() {
  local heading=$1 line count total tenth last=-1 begin=$SECONDS
  while IFS= read -r line; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\ Re-(checking|running) ]] && continue
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    count=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]}
    ((last >= 0)) || say "$heading"
    tenth=$((count * 10 / total))
    if $live; then
      printf '%s    %d of %d built' "$clear_line" "$count" "$total"
    elif ((tenth != last)); then
      echo "    $count of $total built"
    fi
    last=$tenth
  done
  ((last >= 0)) || return 0
  if $live; then printf '%s' "$clear_line"; fi
  note "took $((SECONDS - begin)) s"
}

# build DIR WHAT [CMAKE_OPTION...] -- [TARGET... | --pattern REGEX]: configures once (again if the
# options change) and builds everything, or the targets that are named or match the pattern.
build() {
  local dir=$1 what=$2 options=()
  shift 2
  while (($#)) && [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  shift || true
  mkdir -p "$dir"
  if [ ! -f "$dir/build.ninja" ] ||
    [ "$(cat "$dir/options" 2>/dev/null)" != "${options[*]}" ]; then
    say "Configuring $what in $dir"
    if ! cmake -S . -B "$dir" -G Ninja "${options[@]}" >"$dir/configure.log" 2>&1; then
      tail -n 20 "$dir/configure.log" >&2
      die "cmake failed (above, and in $dir/configure.log)"
    fi
    echo "${options[*]}" >"$dir/options"
  fi
  if [ "${1:-}" = --pattern ]; then
    mapfile -t targets < <(ninja -C "$dir" -t targets all |
      sed -n "s/^\($2\): phony.*/\1/p" | sort -u)
    set -- "${targets[@]}"
    (($#)) || die "no target in $dir matches"
  fi
  if ! ninja -C "$dir" -j "$jobs" "$@" 2>&1 | tee "$dir/build.log" |
    show_progress "Building $what in $dir with $jobs jobs"; then
    grep -A 12 -E '^FAILED|error:|ninja: error' "$dir/build.log" | head -n 40 >&2
    die "the build failed (above, and in $dir/build.log)"
  fi
}
