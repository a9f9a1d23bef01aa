#pragma once

#include <cstdint>

namespace troupe {

/// What models used for something, as messages tell it on.
struct model_usage {
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::int64_t cost_nano_usd = 0; ///< of those calls whose price is known

  bool any() const noexcept { return input_tokens > 0 || output_tokens > 0 || cost_nano_usd > 0; }
  model_usage& operator+=(const model_usage& other) noexcept {
    input_tokens += other.input_tokens;
    output_tokens += other.output_tokens;
    cost_nano_usd += other.cost_nano_usd;
    return *this;
  }
};

/// Of any message that has the three fields: ModelAnswer, AgentReply, TaskDone, TaskOutcome,
/// RunEnded, Failure.
template <class Message>
model_usage usage_in(const Message& message) {
  return {message.input_tokens(), message.output_tokens(), message.cost_nano_usd()};
}

template <class Message>
void set_usage(Message& message, const model_usage& used) {
  message.set_input_tokens(used.input_tokens);
  message.set_output_tokens(used.output_tokens);
  message.set_cost_nano_usd(used.cost_nano_usd);
}

} // namespace troupe
