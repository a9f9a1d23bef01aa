#pragma once

#include "actors/logic.hpp"
#include "messages/agents.pb.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace troupe::tests {

class counting_random final : public random_source {
public:
  std::uint64_t next() override { return ++drawn_ * 2 + 1; }

private:
  std::uint64_t drawn_ = 0;
};

/// A clock that stands still, fixed random numbers, and the outputs of the last step.
struct stage {
  instant now{std::chrono::hours{1}};
  counting_random random;
  outputs out;
  const time_source* clock = nullptr; ///< none: steps take no time

  step_context context() { return {now, random, out, clock}; }

  /// Steps `subject` and returns the outputs of this step only.
  outputs& step(logic& subject, event input) {
    out = {};
    auto given = context();
    subject.step(given, std::move(input));
    return out;
  }
  outputs& start(logic& subject, const address& self) {
    out = {};
    auto given = context();
    subject.start(given, self);
    return out;
  }
  outputs& stop(logic& subject) {
    out = {};
    auto given = context();
    subject.stop(given);
    return out;
  }
};

inline const node_id this_node{1, 2};
inline const session_id ada{77};

inline address client() { return address::of_session(ada, this_node); }

/// A request from the client `ada` to `agent`.
template <class Message>
envelope request_of(std::string_view agent, std::uint64_t sequence, Message message,
                    std::uint16_t attempt = 1) {
  auto made =
      make_envelope(message_kind::request, address::of_agent(name{agent}), std::move(message));
  made.id = {ada, sequence};
  made.sender = client();
  made.attempt = attempt;
  return made;
}

inline AgentMessage saying(std::string text) {
  AgentMessage message;
  message.set_text(std::move(text));
  return message;
}

inline Echo echo_of(std::string bytes) {
  Echo echo;
  echo.set_bytes(std::move(bytes));
  return echo;
}

inline ec code_of(envelope& reply) {
  auto why = failure_in(reply);
  return why ? why->code : ec::none;
}

} // namespace troupe::tests
