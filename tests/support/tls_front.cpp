#include "tests/support/tls_front.hpp"

#include <csignal>
#include <sstream>
#include <stdexcept>

namespace troupe::tests {

namespace {

using namespace std::chrono_literals;

constexpr auto patience = 20s;

} // namespace

tls_front::tls_front(const std::string& behind) {
  make_certificates();
  auto port = free_port();
  url_ = "https://127.0.0.1:" + std::to_string(port);
  configure(behind, port);
  auto here = folder_.path().string();
  nginx_.emplace(
      process_options{.program = "/usr/sbin/nginx",
                      .arguments = {"-c", here + "/nginx.conf", "-e", here + "/nginx.log"}});
  for (auto end = clock::now() + patience; read_file(folder_.path() / "nginx.pid").empty();)
    if (nginx_->wait(10ms) || clock::now() > end)
      throw std::runtime_error("nginx does not start: " + nginx_->errors()
                               + read_file(folder_.path() / "nginx.log"));
}

tls_front::~tls_front() { stop(); }

void tls_front::stop() {
  if (!nginx_)
    return;
  nginx_->send_signal(SIGQUIT);
  if (!nginx_->wait(patience))
    nginx_->kill_now();
  nginx_.reset();
}

/// An authority, and a certificate of it for 127.0.0.1.
void tls_front::make_certificates() const {
  constexpr const char* script =
      "set -e; q='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'\n"
      "openssl req -x509 $q -keyout ca.key -out ca.pem -days 2 -subj '/CN=Test authority'\n"
      "openssl req $q -keyout server.key -out server.csr -subj /CN=127.0.0.1\n"
      "echo subjectAltName=IP:127.0.0.1 > names\n"
      "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
      "-extfile names -out server.pem";
  process making{{.program = "/bin/sh", .arguments = {"-c", script}, .folder = folder_.path()}};
  auto ended = making.wait(patience);
  if (!ended || ended->code != 0)
    throw std::runtime_error("no certificates: " + making.errors());
}

void tls_front::configure(const std::string& behind, int port) const {
  auto here = folder_.path().string();
  std::ostringstream text;
  text << "daemon off;\nworker_processes 1;\nworker_rlimit_nofile 65536;\npid " << here
       << "/nginx.pid;\nerror_log " << here
       << "/nginx.log;\nevents { worker_connections 32768; }\nhttp {\n"
          "  log_format words '$server_protocol $ssl_protocol connection=$connection $status "
          "$http_authorization';\n  access_log "
       << here << "/access.log words;\n";
  for (auto kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    text << "  " << kind << "_temp_path " << here << "/" << kind << ";\n";
  text << "  server {\n    listen 127.0.0.1:" << port
       << " ssl http2 backlog=16384;\n    ssl_certificate " << here
       << "/server.pem;\n    ssl_certificate_key " << here
       << "/server.key;\n    location / {\n      proxy_pass " << behind
       << ";\n      proxy_http_version 1.1;\n      proxy_set_header Connection \"\";\n"
          "      proxy_buffering off;\n      proxy_read_timeout 10m;\n    }\n  }\n}\n";
  write_file(folder_.path() / "nginx.conf", text.str());
}

std::vector<std::string> tls_front::accesses() const {
  std::istringstream lines{read_file(folder_.path() / "access.log")};
  std::vector<std::string> found;
  for (std::string line; std::getline(lines, line);)
    found.push_back(line);
  return found;
}

} // namespace troupe::tests
