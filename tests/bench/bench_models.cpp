// Calls of models: what the path of a call adds, the reader of event streams, calls for a second of
// processor time, 10,000 calls at once, memory of a call in flight, processor time of a piece from
// the provider's socket to the client's link.
#include "actors/cluster/acceptor.hpp"
#include "actors/llm/openai/openai_dialect.hpp"
#include "actors/llm/sse_reader.hpp"
#include "messages/http.pb.h"
#include "nodes/simulate/simulated_port.hpp"
#include "tests/bench/bare_curl.hpp"
#include "tests/bench/driver.hpp"
#include "tests/bench/model_calls.hpp"
#include "tests/bench/report.hpp"
#include "tests/support/cluster.hpp"
#include "tests/support/tls_front.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>
#include <thread>

namespace {

using namespace troupe;
using namespace troupe::bench;
using namespace std::chrono_literals;
using test::whole_node;
using troupe::tests::process;

double processor_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// `troupe simulate` in a process of its own, so that its work is not counted as ours.
class simulate_process {
public:
  explicit simulate_process(std::vector<std::string> more)
      : process_({.program = TROUPE_BINARY_DIR "/troupe", .arguments = [&] {
                    more.insert(more.begin(), {"simulate", "--port", "0"});
                    return more;
                  }()}) {
    auto line = process_.read_line(10s);
    if (!line || !line->starts_with("listening on "))
      throw std::runtime_error("troupe simulate did not begin: " + process_.errors());
    url = line->substr(std::strlen("listening on "));
  }
  std::string url;
  pid_t pid() const { return process_.pid(); }

private:
  process process_;
};

models_catalog providers(const std::string& url, std::uint32_t calls_max) {
  models_catalog all;
  auto& one = all.providers.emplace_back();
  one.name = "p";
  one.calls_max = calls_max;
  one.kind = url.empty() ? provider_config::api::simulated : provider_config::api::openai;
  one.base_url = url.empty() ? "" : url + "/v1";
  if (url.empty())
    one.simulate = {{"output_tokens", "16"}};
  return all;
}

http_port::outgoing written_question(std::uint64_t number) {
  openai_dialect api;
  auto written = api.ask(usual_question("m"), {"m", "p", "", {}});
  http_port::outgoing wanted;
  wanted.id = number;
  wanted.provider = "p";
  wanted.path = written->path;
  wanted.body = written->body;
  return wanted;
}

// -- what the path adds ---------------------------------------------------------------------------

double through_the_path() {
  whole_node node{1, {}, {.providers = providers("", 10)}};
  node.wait_for_members();
  return drive<timed_caller>(node, address::of(service::models, node.mail().self()),
                             std::string{"p/m"}, std::uint64_t{20'000});
}

/// The provider alone: from a written request to a written answer.
double without_the_path() {
  std::vector<double> took;
  simulated_port port{providers("", 10), [](const HttpEvent&) {}};
  for (std::uint64_t i = 1; i <= 20'000; ++i) {
    auto wanted = written_question(i);
    auto at = std::chrono::steady_clock::now();
    port.start(std::move(wanted));
    took.push_back(seconds_since(at) * 1e6);
  }
  return median(took);
}

// -- event streams --------------------------------------------------------------------------------

const std::string& events() {
  static const std::string all = [] {
    std::string made;
    for (int i = 0; made.size() < (64U << 20); ++i)
      made += R"(data: {"id":"chatcmpl-0123456789abcdef","object":"chat.completion.chunk",)"
              R"("created":1735689600,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":")"
              + std::string(" river") + R"("},"logprobs":null,"finish_reason":null}]})" + "\n\n";
    return made;
  }();
  return all;
}

constexpr std::size_t chunk_bytes = 16 << 10;

double read_events() {
  sse_reader reader;
  std::size_t data = 0;
  auto at = std::chrono::steady_clock::now();
  for (std::size_t from = 0; from < events().size(); from += chunk_bytes) {
    reader.give(std::string_view{events()}.substr(from, chunk_bytes));
    while (auto event = reader.next())
      data += event->data.size();
  }
  auto rate = static_cast<double>(events().size()) / seconds_since(at) / 1e9;
  if (data == 0)
    throw std::runtime_error("no event was read");
  return rate;
}

double copy_bytes() {
  std::string to(chunk_bytes, '\0');
  std::size_t sum = 0;
  auto at = std::chrono::steady_clock::now();
  for (std::size_t from = 0; from < events().size(); from += chunk_bytes) {
    auto part = std::string_view{events()}.substr(from, chunk_bytes);
    std::memcpy(to.data(), part.data(), part.size());
    auto end = to.data() + part.size();
    for (auto at_line = to.data(); at_line < end; ++sum) {
      auto found = std::memchr(at_line, '\n', static_cast<std::size_t>(end - at_line));
      at_line = found ? static_cast<char*>(found) + 1 : end;
    }
  }
  auto rate = static_cast<double>(events().size()) / seconds_since(at) / 1e9;
  return sum > 0 ? rate : 0;
}

// -- calls over HTTP ------------------------------------------------------------------------------

constexpr std::uint64_t calls = 20'000, in_flight = 64;

double calls_per_core(const std::string& url) {
  whole_node node{1, {}, {.providers = providers(url, in_flight)}};
  node.wait_for_members();
  auto before = processor_seconds();
  drive<counted_caller>(node, address::of(service::models, node.mail().self()), std::string{"p/m"},
                        calls, in_flight);
  return static_cast<double>(calls) / (processor_seconds() - before);
}

double bare_calls_per_core(const std::string& url) {
  auto body = written_question(1).body;
  auto before = processor_seconds();
  bare_curl_calls(url + "/v1/chat/completions", body, calls, in_flight);
  return static_cast<double>(calls) / (processor_seconds() - before);
}

constexpr std::uint64_t open_calls = 10'000;

/// A provider for all of them at once, with time enough for that many handshakes.
models_catalog patient_provider(const std::string& url, const std::filesystem::path& ca_file = {}) {
  if (auto raised = raise_descriptor_limit(); !raised)
    throw std::runtime_error(raised.error().message);
  auto all = providers(url, open_calls);
  auto& one = all.providers.front();
  one.ca_file = ca_file;
  one.timeouts = {.connect = 5min, .first = 5min, .between = 5min, .total = 10min};
  return all;
}

/// Seconds until 10,000 calls that begin at once are answered by a provider that takes 2 s for
/// each; their answers are counted by the caller.
double until_all_are_answered() {
  simulate_process server{{"--latency", "2s"}};
  whole_node node{1, {}, {.providers = patient_provider(server.url)}};
  node.wait_for_members();
  return drive<counted_caller>(node, address::of(service::models, node.mail().self()),
                               std::string{"p/m"}, open_calls, open_calls);
}

/// KiB of a call that waits for its answer.
double memory_of_a_call(bool tls, bool streams, std::uint64_t count = open_calls) {
  simulate_process server{{"--latency", "20min"}};
  std::optional<troupe::tests::tls_front> front;
  if (tls)
    front.emplace(server.url);
  whole_node node{
      1,
      {},
      {.providers = patient_provider(tls ? front->url() : server.url,
                                     tls ? front->ca_file() : std::filesystem::path{})}};
  node.wait_for_members();
  auto self = ::getpid();
  auto before = troupe::tests::resident_bytes(self);
  running_logic asker{node, [&](std::promise<double>* done) {
                        auto made = std::make_unique<counted_caller>(
                            address::of(service::models, node.mail().self()), "p/m", count, count,
                            done);
                        if (streams)
                          made->ask_for_streams();
                        return made;
                      }};
  asker.begin();
  auto asked = [&] { // by the provider's own connections: those of the node may be shared
    return troupe::tests::open_descriptors(server.pid());
  };
  auto until = std::chrono::steady_clock::now() + 4min;
  while (asked() < count && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(50ms);
  if (asked() < count)
    throw std::runtime_error("only " + std::to_string(asked())
                             + " calls have come to the provider");
  auto used = troupe::tests::resident_bytes(self) - before;
  return static_cast<double>(used) / static_cast<double>(count) / 1024;
}

/// Microseconds of the node's processor for a piece, from the provider's socket to the client.
double time_of_a_piece() {
  constexpr int pieces = 50'000;
  simulate_process server{{"--output-tokens", std::to_string(pieces)}};
  troupe::tests::home user{TROUPE_BINARY_DIR "/troupe"};
  auto roles = user.path() / "roles";
  std::filesystem::create_directories(roles);
  std::ofstream{roles / "teller.yaml"}
      << "role: teller\ndescription: Tells much\nmind: chat\nmodel: p/m\nlimits: {output_tokens: "
         "1000000}\nprompts:\n  answer: \"{{text}}\"\n";
  auto config = user.path() / "troupe.yaml";
  std::ofstream{config} << "providers:\n  p: {kind: openai, base_url: " << server.url
                        << "/v1}\nnode:\n  roles: " << roles.string() << "\n";
  user.set("TROUPE_CONFIG", config.string());
  troupe::tests::cluster one{user, {.nodes = 1}};
  std::vector<double> took;
  for (int round = 0; round < 3; ++round) {
    auto before = troupe::tests::processor_time(one.nodes()[0].pid);
    auto sent = user.troupe({"send", "teller/a", "tell me " + std::to_string(round)});
    if (!sent.ok())
      throw std::runtime_error(sent.shown());
    auto used = troupe::tests::processor_time(one.nodes()[0].pid) - before;
    took.push_back(static_cast<double>(used.count()) * 1'000 / pieces);
  }
  return median(took);
}

} // namespace

int main() {
  compare("a call of the simulated provider in process, through the whole path", "us, p50", 5,
          through_the_path, "the provider alone; aim: 50 more", without_the_path);
  compare("event streams read", "GB/s", 5, read_events,
          "copied, and their lines counted; aim: 1 GB/s", copy_bytes);
  {
    simulate_process server{{"--output-tokens", "16"}};
    compare(
        "calls to `troupe simulate`, 64 in flight", "1/s of processor", 5,
        [&] { return calls_per_core(server.url); }, "a bare loop of libcurl; aim: 0.4",
        [&] { return bare_calls_per_core(server.url); });
  }
  report("10,000 calls at once, each 2 s, through the whole path", "s until all are answered",
         until_all_are_answered());
  report("memory of a call in flight, 10,000 of them", "KiB", memory_of_a_call(false, false),
         "aim: at most 64");
  report("memory of a call in flight, 10,000 of them, over TLS, which share connections", "KiB",
         memory_of_a_call(true, false));
  constexpr std::uint64_t handshakes = 4'000; // of each, one at the node and one at nginx
  report("memory of a call in flight, 4,000 of them, over TLS, each with its own connection", "KiB",
         memory_of_a_call(true, true, handshakes));
  report("a piece, from the provider's socket to the client", "us of the node's processor",
         time_of_a_piece(), "aim: at most 10");
}
