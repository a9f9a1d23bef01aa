#pragma once

#include "messages/piece_window.hpp"

#include <algorithm>
#include <cstdint>

namespace troupe {

/// How far an answer's reader is, told to its sender by who stands between them and passes on more
/// or fewer pieces than came. As far as the sender is concerned, all is taken but what was passed
/// on and its reader has not taken: text that is held back keeps nobody waiting.
class relayed_pieces {
public:
  void came(std::uint64_t bytes) { add(came_, bytes); }
  bool has_come() const noexcept { return came_.pieces > 0; }
  void passed_on(std::uint64_t bytes) { add(passed_on_, bytes); }
  /// The reader has taken so much in all.
  void taken(const piece_count& told) {
    taken_.pieces = std::clamp(told.pieces, taken_.pieces, passed_on_.pieces);
    taken_.bytes =
        std::clamp(told.bytes, std::min(taken_.bytes, passed_on_.bytes), passed_on_.bytes);
  }
  /// What the sender is to hear.
  piece_count to_tell() const {
    return {rest(came_.pieces, passed_on_.pieces - taken_.pieces),
            rest(came_.bytes, passed_on_.bytes - taken_.bytes)};
  }
  bool is_worth_telling_again() const { return is_worth_telling(to_tell(), told_); }
  void told(const piece_count& now) { told_ = now; }

private:
  static void add(piece_count& to, std::uint64_t bytes) {
    ++to.pieces;
    to.bytes += bytes;
  }
  static std::uint64_t rest(std::uint64_t all, std::uint64_t part) {
    return all - std::min(all, part);
  }

  piece_count came_, passed_on_, taken_, told_;
};

} // namespace troupe
