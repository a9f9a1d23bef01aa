#!/usr/bin/env bash
# OpenAI's and Anthropic's own clients for Python, in a virtual environment of their own.
#   real_clients.sh install   installs them once and prints the path of their Python
#   real_clients.sh have      prints that path if they are installed; else exit code 1 and why
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
packages=(openai==3.57.0 anthropic==2.14.0)
home=$prefix/clients-1 # another number where the versions change

install_clients() {
  [ -x "$home/bin/python" ] && return
  mkdir -p "$prefix"
  exec 9>"$home.lock"
  flock 9 # two processes at once would install it twice
  [ -x "$home/bin/python" ] && return
  rm -rf "$home" "$home.new"
  # It is moved into place when it is whole; its Python finds its packages beside itself.
  python3 -m venv --copies "$home.new"
  "$home.new/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}" >&2
  mv "$home.new" "$home"
}

case ${1:-} in
install)
  install_clients
  echo "$home/bin/python"
  ;;
have)
  [ -x "$home/bin/python" ] || die "the clients are not installed: $0 install does that"
  echo "$home/bin/python"
  ;;
*)
  sed -n 2,4p "$0"
  exit 64
  ;;
esac
