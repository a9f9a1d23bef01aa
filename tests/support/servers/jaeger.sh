#!/usr/bin/env bash
# Jaeger v2 (module v1.76.0, program 2.13): OTLP in, query API out. Installing needs Go 1.25.
#   jaeger.sh install      builds it once (about 6 CPU minutes) and prints the program's path
#   jaeger.sh have         prints the path if it is installed; else exit code 1 and the reason
#   jaeger.sh start DIR    on free loopback ports, or JAEGER_OTLP_PORT and JAEGER_QUERY_PORT; once
#                          it is ready, writes DIR/env with OTLP_HTTP and JAEGER_QUERY
#   jaeger.sh stop DIR
# shellcheck source-path=SCRIPTDIR source=common.sh source=go.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
. "$(dirname "${BASH_SOURCE[0]}")/go.sh"
version=v1.76.0
bin=$prefix/bin/jaeger-$version
host=127.0.0.1

install_jaeger() {
  local src
  [ -x "$bin" ] && return
  go_is_new_enough ||
    die "building Jaeger needs Go 1.25 or newer; $(go version 2>/dev/null || echo 'there is no Go')"
  mkdir -p "$prefix/bin"
  exec 9>"$bin.lock"
  flock 9 # two processes at once would build it twice
  [ -x "$bin" ] && return
  # Its go.mod has a replace directive, so `go install pkg@version` refuses; this way it builds.
  src=$(cd / && go mod download -json "github.com/jaegertracing/jaeger@$version" |
    sed -n 's/.*"Dir": "\(.*\)",*/\1/p')
  [ -n "$src" ] || die "the module github.com/jaegertracing/jaeger@$version could not be had"
  CGO_ENABLED=0 nice go build -C "$src" -trimpath -ldflags '-s -w' -o "$bin.tmp" ./cmd/jaeger
  mv "$bin.tmp" "$bin"
}

start_jaeger() {
  local dir=$1 http query qgrpc health grpc
  [ -x "$bin" ] || die "not installed: run '$0 install' (about 6 CPU minutes)"
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  http=${JAEGER_OTLP_PORT:-$(free_port)} query=${JAEGER_QUERY_PORT:-$(free_port)}
  grpc=$(free_port) qgrpc=$(free_port) health=$(free_port)
  # enable_tracing: otherwise Jaeger sends its own spans to port 4317 and takes 10 s to stop.
  # batch: makes spans readable soon; the default is 200 ms.
  cat >"$dir/jaeger.yaml" <<Y
service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [jaeger_storage_exporter]}
  telemetry:
    resource: {service.name: jaeger}
    logs: {level: info}
    metrics: {level: none}
extensions:
  healthcheckv2: {use_v2: true, http: {endpoint: "$host:$health"}}
  jaeger_query:
    storage: {traces: main}
    enable_tracing: false
    http: {endpoint: "$host:$query"}
    grpc: {endpoint: "$host:$qgrpc"}
  jaeger_storage: {backends: {main: {memory: {max_traces: 20000}}}}
receivers:
  otlp: {protocols: {http: {endpoint: "$host:$http"}, grpc: {endpoint: "$host:$grpc"}}}
processors:
  batch: {timeout: 20ms}
exporters:
  jaeger_storage_exporter: {trace_storage: main}
Y
  spawn "$dir" "$bin" --config "file:$dir/jaeger.yaml"
  wait_until "$dir" 30 http_ok "http://$host:$health/status"
  wait_until "$dir" 30 http_ok "http://$host:$query/api/services"
  printf '%s\n' "OTLP_HTTP=http://$host:$http" "JAEGER_QUERY=http://$host:$query" | tee "$dir/env"
}

case ${1:-} in
install)
  install_jaeger
  echo "$bin"
  ;;
have)
  if [ -x "$bin" ]; then
    echo "$bin"
  elif go_is_new_enough; then
    die "Jaeger is not installed: scripts/jaeger install builds it (about 6 CPU minutes)"
  else
    die "Jaeger is not installed, and building it needs Go 1.25 or newer"
  fi
  ;;
start) start_jaeger "${2:?a folder}" ;;
stop) stop_dir "${2:?a folder}" ;;
*)
  sed -n 3,7p "$0"
  exit 64
  ;;
esac
