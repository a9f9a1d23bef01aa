#pragma once

#include "messages/spans.pb.h"
#include "tests/unit/agents/obedient.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace troupe::tests {

inline std::int64_t nanoseconds(instant at) { return at.time_since_epoch().count(); }

/// An agent whose messages are traced.
struct traced_agent : agent_test {
  envelope sampled(std::string text) {
    auto message = saying_now(std::move(text));
    message.trace = {{1, 2}, {3}, trace_context::flag_sampled};
    return message;
  }
  /// The spans of the last step: they have what docs/traces.md lists, and none outlives its parent.
  std::vector<SpanData> spans() {
    auto made = scene.out.spans;
    for (const auto& one : made) {
      auto row = row_of(one.name());
      EXPECT_TRUE(row) << one.name();
      for (const auto& each : one.attributes())
        EXPECT_TRUE(row && may_have(*row, each.key())) << each.key();
      for (const auto& event : one.events())
        EXPECT_TRUE(row && may_have_event(*row, event.name())) << event.name();
      for (const auto& child : made)
        if (child.parent() == one.span()) {
          EXPECT_LE(child.end_ns(), one.end_ns()) << child.name();
          EXPECT_GE(child.start_ns(), one.start_ns()) << child.name();
        }
    }
    return made;
  }
  static SpanAttribute attribute(const SpanData& span, std::string_view key) {
    for (const auto& one : span.attributes())
      if (one.key() == key)
        return one;
    return {};
  }
  static std::string text(const SpanData& span, std::string_view key) {
    return attribute(span, key).text();
  }
  static std::vector<std::string> names(const std::vector<SpanData>& some) {
    std::vector<std::string> found;
    for (const auto& one : some)
      found.push_back(one.name());
    return found;
  }
  envelope found_state(const envelope& get, const std::string& state) {
    SnapshotFound found;
    found.set_found(true);
    found.mutable_snapshot()->set_role("obedient");
    found.mutable_snapshot()->set_state(state);
    found.mutable_snapshot()->set_version(6);
    return reply_to(get, found);
  }
};

} // namespace troupe::tests
