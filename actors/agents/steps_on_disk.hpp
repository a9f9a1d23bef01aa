#pragma once

#include "actors/agents/delivery.hpp"
#include "messages/envelope.hpp"
#include "messages/runs.pb.h"

#include <cstddef>
#include <vector>

namespace troupe {

/// The messages to one durable agent that have steps on its disk: one that is worked on, and those
/// that an earlier life of the agent did not end, or that ended without an effect. A message that
/// is done takes its steps along. Those of another one go when nobody may repeat it any more:
/// because its session has acknowledged it or is forgotten, after `limits::replies_kept_time`, or
/// because there are more than `limits::open_messages_max` messages or
/// `limits::open_messages_bytes_max` of steps; then those that began first go.
///
/// What goes is written with the next state or steps, not by itself.
class steps_on_disk {
public:
  using message_keys = google::protobuf::RepeatedPtrField<MessageKey>;

  /// What earlier lives have left.
  void restore(google::protobuf::RepeatedPtrField<StepsMade>& found, instant now);
  /// What was recorded of a message before this life; to be taken once. Without steps: nothing.
  StepsMade take(message_id of);

  /// So many bytes of steps of a message are about to be written; whose steps have to go for them.
  /// False: they are too many even alone.
  bool add(message_id of, std::size_t bytes, instant now, message_keys& settled);
  /// The message `done` ends, and its state is about to be written; whose steps go with that.
  void settle(message_id done, const delivery& known, instant now, message_keys& settled);

  bool empty() const noexcept { return all_.empty(); }
  std::size_t bytes() const noexcept;

private:
  struct open_message {
    message_id id;
    std::size_t bytes = 0;
    instant since;      ///< its last step, or the beginning of this life
    StepsMade recorded; ///< until it is taken
  };
  std::vector<open_message>::iterator find(message_id id);

  std::vector<open_message> all_; ///< what began first comes first
};

} // namespace troupe
