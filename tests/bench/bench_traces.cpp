// What traces cost: the processor time of one span, from its making until a collector has it, and
// round trips with an agent when all, one in a hundred or none of their traces are sampled.
#include "telemetry/recorder.hpp"
#include "tests/bench/driver.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/usual_span.hpp"
#include "tests/support/otlp_receiver.hpp"

#include <ctime>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace troupe;
using namespace troupe::bench;
using test::whole_node;

constexpr std::uint64_t spans = 200'000;
constexpr std::uint64_t messages = 200'000;

double processor_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

/// A collector in a process of its own, so that its work is not counted as ours.
class collector_process {
public:
  collector_process() {
    int told[2];
    if (::pipe(told) != 0)
      throw std::runtime_error("no pipe");
    child_ = ::fork();
    if (child_ == 0) {
      troupe::tests::otlp_receiver receiver;
      auto endpoint = receiver.endpoint() + "\n";
      [[maybe_unused]] auto written = ::write(told[1], endpoint.data(), endpoint.size());
      ::pause();
      ::_exit(0);
    }
    for (char c = 0; ::read(told[0], &c, 1) == 1 && c != '\n';)
      endpoint += c;
    ::close(told[0]);
    ::close(told[1]);
  }
  ~collector_process() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  std::string endpoint;

private:
  pid_t child_ = -1;
};

recorder_options exporting_to(const std::string& endpoint) {
  recorder_options options;
  options.node = {1, 2};
  options.node_name = "node-1";
  options.cluster = "bench";
  options.target.url = *parse_otlp_url(endpoint, otlp_path::base);
  options.kept_max = limits::spans_kept_max;
  options.queued_max = limits::spans_queued_max;
  return options;
}

/// Microseconds of processor for one span; those of the exporter's thread included.
double cost_of_a_span(const std::string& endpoint) {
  metrics counted;
  recorder sink{exporting_to(endpoint), counted, make_null_log_sink()};
  auto before = processor_seconds();
  for (std::uint64_t id = 1; id <= spans; ++id) {
    sink.record(usual_span(id));
    if (id % limits::spans_per_export == 0)
      sink.flush(std::chrono::seconds{10}); // so that none is dropped
  }
  sink.flush(std::chrono::seconds{10});
  auto used = processor_seconds() - before;
  if (counted.plain().spans_exported != spans)
    throw std::runtime_error("not every span was exported");
  return used / static_cast<double>(spans) * 1e6;
}

template <unsigned Every>
struct sampled_driver : driver {
  using driver::driver;
  bool samples(std::uint64_t number) const override { return Every != 0 && number % Every == 0; }
};

template <unsigned Every>
double round_trips(const std::string& endpoint) {
  whole_node node{1};
  auto& host = node.host();
  host.spans = std::make_unique<recorder>(exporting_to(endpoint), host.counted, host.log);
  node.wait_for_members();
  return drive<sampled_driver<Every>>(node, address::of_agent(name{"echo/1"}), messages,
                                      std::uint64_t{64});
}

} // namespace

int main() {
  collector_process collector;
  report("a span made, kept, queued and exported", "us of processor",
         cost_of_a_span(collector.endpoint), "aim: at most 2");
  auto none = [&] { return round_trips<0>(collector.endpoint); };
  compare(
      "round trips with an agent, all traces sampled", "1/s", 5,
      [&] { return round_trips<1>(collector.endpoint); }, "none sampled; aim: 0.85", none);
  compare(
      "round trips with an agent, one trace in a hundred sampled", "1/s", 5,
      [&] { return round_trips<100>(collector.endpoint); }, "none sampled; aim: 0.98", none);
}
