// The HTTP server with a fixed body beside nginx, and `troupe simulate` without and with a ledger:
// answers for a second of the server's processor time, in and out of the kernel, with 64
// connections from another core. And 10,000 calls that are open at once.
#include "nodes/http/http_server.hpp"
#include "telemetry/log.hpp"
#include "tests/bench/http_load.hpp"
#include "tests/bench/report.hpp"
#include "tests/support/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

namespace {

using namespace troupe;
using namespace troupe::bench;
using namespace std::chrono_literals;

constexpr std::size_t connections = 64;
constexpr auto window = 1500ms;
constexpr int rounds = 5;
constexpr std::size_t open_calls = 10'000;
const std::string fixed_body(100, 'x');
const std::string program = TROUPE_BINARY_DIR "/troupe";

std::string get() { return "GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n"; }

std::string chat() {
  std::string body = R"({"model":"gpt-4o","messages":[{"role":"system","content":"You help."},)"
                     R"({"role":"user","content":"Where is the red stapler?"}],"max_tokens":16})";
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
         "Authorization: Bearer sk-bench\r\nContent-Length: "
         + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// This program as the server, until it is killed.
int serve() {
  auto log = make_log_sink({});
  http_routes routes;
  routes.add_page("GET", "/fixed", [](const incoming_request&) {
    return http_answer{200, "text/plain", fixed_body, {}};
  });
  http_server_options options;
  options.connections_max = 16 * connections; // when most are in use, none is kept open
  auto server = http_server::open("127.0.0.1:0", std::move(routes), *log, options);
  if (!server)
    return 1;
  std::printf("http://%s\n", (*server)->address().c_str());
  std::fflush(stdout);
  ::pause();
  return 0;
}

double answers_a_second(const measured_server& of, const std::string& request) {
  http_load load{of.address(), request, connections};
  load.run_for(200ms); // warm
  auto before = of.processor_seconds();
  auto answers = load.run_for(window);
  return static_cast<double>(answers) / (of.processor_seconds() - before);
}

/// One process, without its log of requests.
std::unique_ptr<measured_server> start_nginx(const std::filesystem::path& folder) {
  constexpr const char* address = "127.0.0.1:19377";
  auto here = folder.string();
  std::ofstream{folder / "nginx.conf"}
      << "daemon off;\nmaster_process off;\npid " << here << "/pid;\nerror_log " << here
      << "/log;\nevents { worker_connections 1024; }\nhttp {\n  access_log off;\n"
      << "  keepalive_requests 1000000000;\n  client_body_temp_path " << here
      << "/b;\n  proxy_temp_path " << here << "/p;\n  fastcgi_temp_path " << here
      << "/f;\n  uwsgi_temp_path " << here << "/u;\n  scgi_temp_path " << here
      << "/s;\n  server {\n    listen " << address << ";\n    location / { return 200 '"
      << fixed_body << "'; }\n  }\n}\n";
  auto made = std::make_unique<measured_server>(
      std::vector<std::string>{"/usr/sbin/nginx", "-c", here + "/nginx.conf", "-e", here + "/log"},
      address);
  for (auto end = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < end;)
    if (std::filesystem::exists(folder / "pid")) // written when it listens
      return made;
  throw std::runtime_error("nginx does not start; see " + here + "/log");
}

void open_many() {
  rlimit most{};
  ::getrlimit(RLIMIT_NOFILE, &most);
  most.rlim_cur = most.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &most);
  measured_server simulated{{program, "simulate", "--port", "0", "--latency", "2s"}};
  auto before = simulated.peak_bytes();
  http_load load{simulated.address(), chat(), open_calls};
  auto begun = std::chrono::steady_clock::now();
  load.run_once();
  report("simulate: 10,000 calls at once, each 2 s", "s until all are answered",
         seconds_since(begun));
  report("simulate: 10,000 calls at once", "bytes of memory a call",
         static_cast<double>(simulated.peak_bytes() - before) / open_calls);
  report("simulate: 10,000 calls at once", "us of processor time a call",
         simulated.processor_seconds() * 1e6 / open_calls);
}

} // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "serve") == 0)
    return serve();
  troupe::tests::temporary_folder folder;
  auto self = std::filesystem::read_symlink("/proc/self/exe").string();
  auto nginx = start_nginx(folder.path());
  measured_server ours{{self, "serve"}};
  compare(
      "HTTP server, 100 bytes, 64 connections", "answers a second of processor time", rounds,
      [&] { return answers_a_second(ours, get()); }, "nginx, return 200",
      [&] { return answers_a_second(*nginx, get()); });
  auto ledger = (folder.path() / "ledger.jsonl").string();
  measured_server without{{program, "simulate", "--port", "0"}};
  measured_server with{{program, "simulate", "--port", "0", "--ledger", ledger}};
  compare(
      "simulate, chat of 16 tokens, without a ledger", "answers a second of processor time", rounds,
      [&] { return answers_a_second(without, chat()); }, "nginx, return 200",
      [&] { return answers_a_second(*nginx, get()); });
  compare(
      "simulate, chat of 16 tokens, with a ledger", "answers a second of processor time", rounds,
      [&] { return answers_a_second(with, chat()); }, "nginx, return 200",
      [&] { return answers_a_second(*nginx, get()); });
  open_many();
}
