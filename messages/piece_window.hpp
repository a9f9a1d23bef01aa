#pragma once

#include <cstdint>

namespace troupe {

class Piece;

/// Pieces of a streamed answer, and the bytes in them.
struct piece_count {
  std::uint64_t pieces = 0;
  std::uint64_t bytes = 0;
};

/// What a piece counts for, the same at both ends.
std::uint64_t bytes_of(const Piece& piece);

/// Whether a reader that has taken `now`, and has last told of `told`, should tell again.
bool is_worth_telling(const piece_count& now, const piece_count& told);

/// How much of one streamed answer is on its way: sent, and not yet taken by its reader. The
/// problem: a model writes faster than a person or a pipe reads, and what was not read yet would
/// gather in the nodes between them. The reader tells how much it has taken in all
/// (PiecesTaken). At `limits::stream_pieces_max` pieces or `stream_bytes_max` bytes that are not
/// taken, the window closes; at half of that it opens. Who sends looks at it before each piece; one
/// piece may be larger than the window.
///
/// What is told are sums, not steps: a word that is lost, late or doubled does no harm. Belongs to
/// one logic.
class piece_window {
public:
  bool is_open() const noexcept { return open_; }
  piece_count untaken() const noexcept;

  void sent(std::uint64_t bytes);
  /// The reader has taken so much in all. True: that has opened the window.
  bool taken(const piece_count& told);

private:
  piece_count sent_;
  piece_count taken_;
  std::uint64_t lost_bytes_ = 0; ///< of pieces that never came to the reader
  bool open_ = true;
};

} // namespace troupe
