#include "messages/piece_window.hpp"

#include "config/limits/reading_pace.hpp"
#include "messages/agents.pb.h"

#include <algorithm>

namespace troupe {

using namespace limits;

std::uint64_t bytes_of(const Piece& piece) { return piece.ByteSizeLong(); }

bool is_worth_telling(const piece_count& now, const piece_count& told) {
  return now.pieces >= told.pieces + stream_pieces_max / stream_tells_part
         || now.bytes >= told.bytes + stream_bytes_max / stream_tells_part;
}

piece_count piece_window::untaken() const noexcept {
  return {sent_.pieces - taken_.pieces, sent_.bytes - taken_.bytes};
}

void piece_window::sent(std::uint64_t bytes) {
  ++sent_.pieces;
  sent_.bytes += bytes;
  auto left = untaken();
  if (left.pieces >= stream_pieces_max || left.bytes >= stream_bytes_max)
    open_ = false;
}

bool piece_window::taken(const piece_count& told) {
  if (told.pieces < taken_.pieces || told.pieces > sent_.pieces)
    return false; // an old word, or one about another stream
  auto bytes = std::min(told.bytes, sent_.bytes);
  taken_.pieces = told.pieces;
  if (told.pieces == sent_.pieces) // nothing is left, whatever of it was lost on the way
    lost_bytes_ = sent_.bytes - bytes;
  taken_.bytes = std::clamp(bytes + lost_bytes_, taken_.bytes, sent_.bytes);
  auto left = untaken();
  if (open_ || left.pieces > stream_pieces_max / stream_opens_part
      || left.bytes > stream_bytes_max / stream_opens_part)
    return false;
  open_ = true;
  return true;
}

} // namespace troupe
