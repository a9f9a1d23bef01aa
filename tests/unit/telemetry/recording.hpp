#pragma once

#include "config/limits/telemetry.hpp"
#include "config/limits/units.hpp"
#include "messages/spans.pb.h"
#include "telemetry/recorder.hpp"
#include "telemetry/span.hpp"
#include "tests/support/otlp_receiver.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <vector>

/// A recorder, a collector that answers on demand, and a log that is kept.
namespace troupe::tests {

using namespace std::chrono_literals;

inline constexpr auto patience = 20s; // a successful wait never takes so long

class listening_sink final : public log_sink {
public:
  void write(log_line line) override {
    std::lock_guard lock{mutex_};
    levels_.push_back(line.level);
    lines_.push_back(std::move(line.text));
  }
  std::vector<log_level> levels() const {
    std::lock_guard lock{mutex_};
    return levels_;
  }
  std::vector<std::string> lines() const {
    std::lock_guard lock{mutex_};
    return lines_;
  }

private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::vector<log_level> levels_;
};

inline SpanData span_of(std::uint64_t trace, std::uint64_t id, std::uint64_t parent = 1,
                        std::int64_t start = 5) {
  return begin_span("task", span_kind::internal, {{0, trace}, {parent}, 1}, {id},
                    instant{std::chrono::nanoseconds{start}});
}

class recording : public ::testing::Test {
protected:
  recorder_options options(std::string endpoint) const {
    recorder_options made;
    made.node = {1, 2};
    made.node_name = "node-1";
    made.cluster = "default";
    if (!endpoint.empty())
      made.target.url = *parse_otlp_url(endpoint, otlp_path::base);
    made.target.from = "telemetry.otlp_endpoint";
    made.kept_max = 100;
    made.queued_max = 2'000;
    made.flush_interval = 5ms;
    return made;
  }

  std::unique_ptr<recorder> exporting() {
    return std::make_unique<recorder>(options(receiver_.endpoint()), counted_, log_);
  }

  std::uint64_t exported() { return counted_.plain().spans_exported; }
  std::uint64_t dropped() { return counted_.plain().spans_dropped; }

  otlp_receiver receiver_;
  metrics counted_;
  std::shared_ptr<listening_sink> log_ = std::make_shared<listening_sink>();
};

} // namespace troupe::tests
