#pragma once

#include "actors/logic.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

class counting_random final : public random_source {
public:
  explicit counting_random(std::uint64_t seed) : next_(seed) {}
  std::uint64_t next() override { return next_ += 0x9e3779b97f4a7c15ULL; }

private:
  std::uint64_t next_;
};

/// Steps one logic by hand and keeps its outputs for the test.
class stage {
public:
  stage(std::unique_ptr<logic> played, address self, std::uint64_t seed = 1,
        instant begin = instant{std::chrono::hours{1'000}})
      : now(begin), played_(std::move(played)), self_(std::move(self)), random_(seed) {
    with([&](step_context& context) { played_->start(context, self_); });
  }

  void step(event input) {
    with([&](step_context& context) { played_->step(context, std::move(input)); });
    if (!more_waits)
      settle();
  }
  void settle() {
    with([&](step_context& context) { played_->settle(context); });
  }
  void stop() {
    with([&](step_context& context) { played_->stop(context); });
  }

  /// A request from a client, numbered.
  template <class Message>
  std::uint64_t ask(Message message) {
    auto made = make_envelope(message_kind::request, self_, std::move(message));
    made.id = {session_id{77}, ++asked_};
    made.sender = address::of_session(session_id{77});
    step(std::move(made));
    return asked_;
  }

  std::vector<envelope> take() { return std::exchange(out.sends, {}); }

  /// Takes out the only reply to the client's request `sequence`.
  std::optional<envelope> reply_to_client(std::uint64_t sequence) {
    for (auto at = out.sends.begin(); at != out.sends.end(); ++at)
      if (at->kind == message_kind::reply && at->id == message_id{session_id{77}, sequence}) {
        auto found = std::move(*at);
        out.sends.erase(at);
        return found;
      }
    return std::nullopt;
  }

  const address& self() const { return self_; }

  outputs out;
  instant now;
  bool more_waits = false; ///< then the test says when to settle

private:
  template <class Work>
  void with(Work work) {
    step_context context{now, random_, out};
    work(context);
  }

  std::unique_ptr<logic> played_;
  address self_;
  counting_random random_;
  std::uint64_t asked_ = 0;
};

inline ec code_of(std::optional<envelope> reply) {
  EXPECT_TRUE(reply) << "no reply";
  auto why = reply ? failure_in(*reply) : std::nullopt;
  return why ? why->code : ec::none;
}

} // namespace troupe
