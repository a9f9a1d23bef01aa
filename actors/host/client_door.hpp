#pragma once

#include "messages/envelope.hpp"
#include "messages/message_id_hash.hpp"
#include "messages/spans.pb.h"
#include "telemetry/trace_words.hpp"

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
/// What the request causes is below the door's span. So the span of a client whose link was lost
/// ends with the answer too, which nobody gets, or `door_silence_max` after there can be one. If a
/// run has ended because its client was gone, the node writes what it knows of the client's own
/// spans, which are above: all requests of the client that were sampled told their ids.
///
/// Only for sampled traces. At most `door_requests_max` are open at once; requests beyond it have
/// no span at the door.
///
/// Thread-safe: links enter, whoever answers leaves. While nothing is open, leaving takes one load.
class client_door {
public:
  /// A message has come over a client's link. `id`: of its span, if it gets one. A repetition
  /// belongs to the span that is open.
  void enter(envelope& message, span_id id, instant now);

  /// A message goes to a client, or would: the spans that this ends.
  std::vector<SpanData> leave(envelope& message, instant now);

  /// The client's link is lost: the spans that this ends. `left`: it has said good-bye.
  std::vector<SpanData> closed(session_id client, bool left, instant now);

private:
  struct open_request {
    SpanData span;
    bool is_run = false;         ///< it ends with RunEnded, not with RunAccepted
    instant answered_by;         ///< then its time is over
    std::optional<instant> gone; ///< since then its client has no link
  };
  /// A span of the client itself, as far as its requests told.
  struct client_part {
    const span_word* what = nullptr;
    trace_context inside;
    instant from, until;
  };

  void note_part(const envelope& message, instant now);
  void write_client(session_id client, const SpanData& run, instant now,
                    std::vector<SpanData>& into);
  std::vector<SpanData> end_silent(instant now);
  static instant silent_at(const open_request& gone);

  std::atomic<std::size_t> count_{0}; ///< the size of the next
  std::mutex mutex_;
  std::unordered_map<message_id, open_request, message_id_hash> open_;
  std::unordered_map<session_id, std::vector<client_part>> parts_; ///< of clients with a link
  instant look_again_at_ = instant::max(); ///< before that, `end_silent` ends none
};

} // namespace troupe
