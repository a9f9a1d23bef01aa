#pragma once

#include "messages/envelope.hpp"
#include "messages/piece_window.hpp"

#include <cstdint>
#include <optional>

namespace troupe {

/// How far the reader of one streamed answer is: what it tells whoever sends the pieces
/// (piece_window.hpp), and when. The sender numbers the pieces of each attempt, so those that were
/// lost with a link count as taken. Belongs to the reader; no thread.
class piece_reader {
public:
  /// `request`: the one that is answered, with its id, as it was sent.
  explicit piece_reader(const envelope& request) : request_(head_of(request)) {}

  /// Something that came with the number of the request, and that the reader has done with. The
  /// message to send now, if it is time for one.
  std::optional<envelope> took(envelope& came);

private:
  void begin(std::uint32_t attempt);
  envelope told();

  envelope request_; ///< without its content
  std::uint32_t attempt_ = 0;
  piece_count taken_; ///< of this attempt
  piece_count told_;
};

} // namespace troupe
