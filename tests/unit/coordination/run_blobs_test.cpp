#include "actors/coordination/run_blobs.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"

#include <gtest/gtest.h>

#include <set>

namespace troupe {
namespace {

using namespace std::chrono_literals;

struct no_random final : random_source {
  std::uint64_t next() override { return 1; }
};

struct run_blobs_test : ::testing::Test {
  static constexpr std::uint32_t timer = 7;
  static constexpr node_id near{1, 1}, far{2, 2};
  no_random random;
  outputs out;
  address self = address::of(service::coordinator, near);
  run_blobs subject{timer, 15min};

  step_context context() { return {instant{}, random, out}; }
  static Value blob(char letter, node_id holder) {
    Value made;
    made.mutable_blob()->set_sha256(std::string(32, letter));
    made.mutable_blob()->set_holder(to_bytes(holder));
    return made;
  }
  /// Which node was told about which blobs, such as "near a".
  std::set<std::string> told() {
    std::set<std::string> all;
    for (auto& message : std::exchange(out.sends, {})) {
      EXPECT_EQ(message.target.svc, service::blobs);
      auto held = message.body.as<BlobsHeld>();
      EXPECT_TRUE(held);
      for (const auto& hash : held->sha256())
        all.insert((message.target.node == near ? "near " : "far ") + hash.substr(0, 1));
    }
    return all;
  }
  std::optional<std::chrono::nanoseconds> armed() {
    std::optional<std::chrono::nanoseconds> last;
    for (auto& one : std::exchange(out.timers, {}))
      if (one.id == timer)
        last = one.after;
    return last;
  }
};

TEST_F(run_blobs_test, holders_are_told_at_the_beginning_again_and_again_and_at_the_end) {
  value_map inputs;
  inputs["file"] = blob('a', near);
  auto nested = inputs["dir"].mutable_list();
  *nested->add_items() = blob('b', far);
  (*nested->add_items()->mutable_map()->mutable_fields())["x"] = blob('c', near);
  auto given = context();
  subject.began(given, self, {1, 1}, inputs);
  std::set<std::string> all{"near a", "far b", "near c"};
  EXPECT_EQ(told(), all);
  EXPECT_EQ(armed(), 15min);
  subject.renew(given, self);
  EXPECT_EQ(told(), all);
  EXPECT_EQ(armed(), 15min);
  subject.ended(given, self, {1, 1});
  EXPECT_EQ(told(), all) << "kept for a while after the run";
  EXPECT_EQ(armed(), 0ns) << "nothing ticks any more";
  subject.renew(given, self);
  EXPECT_TRUE(told().empty());
  EXPECT_FALSE(armed());
}

TEST_F(run_blobs_test, a_run_without_documents_costs_nothing) {
  value_map inputs;
  inputs["text"].set_text("x");
  auto given = context();
  subject.began(given, self, {1, 1}, inputs);
  subject.ended(given, self, {1, 1});
  EXPECT_TRUE(out.empty());
}

} // namespace
} // namespace troupe
