#pragma once

#include "actors/logic.hpp"
#include "messages/piece_window.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

class PiecesTaken;

/// The pieces of one answer on their way to the asker. Joined, the pieces are in the end the
/// reply's text: `finish` sends what is missing, or all of it again if it changed.
///
/// Pieces are never kept back here. An asker that tells how far it is (`paced`) is counted with
/// instead: what it has not taken, the agent has not taken from its model either.
class reply_stream {
public:
  explicit reply_stream(std::uint32_t attempt) : attempt_(attempt) {}

  bool begun() const noexcept { return index_ > 0; }

  /// The asker tells how far it is, from now on.
  void pace() noexcept { paced_ = true; }
  bool is_paced() const noexcept { return paced_; }
  /// Sent, and not taken by an asker that tells of it.
  piece_count untaken() const noexcept { return paced_ ? window_.untaken() : piece_count{}; }
  /// The asker has so much to take that it gets no more for now.
  bool is_held_up() const noexcept { return paced_ && !window_.is_open(); }
  /// The asker has taken more.
  void taken(const PiecesTaken& told);
  /// Asks it how far it is: its last word may be lost, or it may have gone.
  void ask(step_context& context, const envelope& request) const;

  /// Passes `text` on to the sender of `request`.
  void pass_on(step_context& context, const envelope& request, std::string_view text);

  /// The pieces so far no longer count; the next piece says so.
  void restart();

  /// The asker moved to another node: sends everything again.
  void repeat(step_context& context, const envelope& request);

  /// The answer is `text`. Nothing happens if no piece was sent.
  void finish(step_context& context, const envelope& request, const std::string& text);

private:
  std::uint32_t attempt_;
  std::uint32_t index_ = 0;
  bool restarted_ = false;
  bool paced_ = false;
  piece_window window_; ///< of this attempt
  std::string said_;
};

/// Holds back a model's pieces while they begin like a text that nobody should see.
class hold_back {
public:
  explicit hold_back(std::string like) : like_(std::move(like)) {}

  /// Adds `text` and returns what may be shown now; empty while the text is held.
  std::string let_through(std::string text);
  void restart();

private:
  std::string like_;
  std::string held_;
  bool open_ = false;
};

} // namespace troupe
