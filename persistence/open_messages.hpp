#pragma once

#include "messages/runs.pb.h"

#include <cstdint>
#include <vector>

namespace troupe {

/// The messages that one agent has begun and not done, with the steps of each, made of what was
/// written of them one after the other.
class open_messages {
public:
  /// More steps of a message, or what came of some that it has.
  void add(StepsMade made);
  void settle(const google::protobuf::RepeatedPtrField<MessageKey>& which);

  /// Each message once, in the order in which they began; its steps by their numbers.
  const std::vector<StepsMade>& all() const noexcept { return all_; }

private:
  std::vector<StepsMade> all_;
};

/// It names that message of an agent.
bool names_message(const google::protobuf::RepeatedPtrField<MessageKey>& all, std::uint64_t session,
                   std::uint64_t number);

} // namespace troupe
