#pragma once

#include "messages/envelope.hpp"
#include "messages/spans.pb.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace troupe {

/// A span of kind server for each request of a client, `troupe.door AgentMessage`, from its arrival
/// over the client's link until the last word about it leaves: the reply, or of a run its end. A
/// request that is refused has one too. Pages that show rates and errors of a service look at
/// server spans only, and a client that dies takes its own spans along.
///
/// What the request causes is below the door's span. Only for sampled traces. At most
/// `door_requests_max` are open at once; requests beyond it have no span at the door.
///
/// Thread-safe: links enter, whoever answers leaves. While nothing is open, leaving takes one load.
class client_door {
public:
  /// A message has come over a client's link. `id`: of its span, if it gets one. A repetition
  /// belongs to the span that is open.
  void enter(envelope& message, span_id id, instant now);

  /// A message goes to a client: the span of the request that this ends.
  std::optional<SpanData> leave(envelope& message, instant now);

  /// The client is gone: the spans of its open requests.
  std::vector<SpanData> closed(session_id client, instant now);

private:
  struct id_hash {
    std::size_t operator()(const message_id& id) const noexcept {
      return id.session.value * 31 + id.sequence;
    }
  };
  struct open_request {
    SpanData span;
    bool is_run = false; ///< it ends with RunEnded, not with RunAccepted
  };

  std::atomic<std::size_t> count_{0}; ///< the size of the next
  std::mutex mutex_;
  std::unordered_map<message_id, open_request, id_hash> open_;
};

} // namespace troupe
