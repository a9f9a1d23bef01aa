#include "actors/agents/reply_stream.hpp"

#include "messages/agents.pb.h"

#include <algorithm>
#include <utility>

namespace troupe {

void reply_stream::pass_on(step_context& context, const envelope& request, std::string_view text) {
  if (text.empty() && !restarted_)
    return;
  Piece piece;
  piece.set_attempt(attempt_);
  piece.set_index(index_++);
  piece.set_text(std::string{text});
  piece.set_restarted(std::exchange(restarted_, false));
  if (paced_)
    window_.sent(bytes_of(piece));
  context.out.send(reply_to(request, std::move(piece), message_kind::piece));
  said_ += text;
}

void reply_stream::restart() {
  if (!begun())
    return;
  ++attempt_;
  index_ = 0;
  restarted_ = true;
  window_ = {};
  said_.clear();
}

void reply_stream::taken(const PiecesTaken& told) {
  if (told.attempt() == attempt_)
    window_.taken({told.pieces(), told.bytes()});
}

void reply_stream::ask(step_context& context, const envelope& request) const {
  PiecesAsked asked;
  asked.set_attempt(attempt_);
  asked.set_pieces(index_);
  context.out.send(reply_to(request, asked, message_kind::piece));
}

void reply_stream::repeat(step_context& context, const envelope& request) {
  if (!begun())
    return;
  auto all = said_;
  restart();
  pass_on(context, request, all);
}

void reply_stream::finish(step_context& context, const envelope& request, const std::string& text) {
  if (!begun() && !restarted_)
    return;
  if (!text.starts_with(said_))
    restart();
  pass_on(context, request, std::string_view{text}.substr(said_.size()));
}

std::string hold_back::let_through(std::string text) {
  if (open_)
    return text;
  held_ += text;
  auto begin = std::min(held_.find_first_not_of(" \t\r\n"), held_.size());
  auto length = std::min(held_.size() - begin, like_.size());
  open_ =
      std::string_view{held_}.substr(begin, length) != std::string_view{like_}.substr(0, length);
  // With nothing to wait for, everything passes.
  open_ = open_ || like_.empty();
  return open_ ? std::exchange(held_, {}) : std::string{};
}

void hold_back::restart() {
  held_.clear();
  open_ = false;
}

} // namespace troupe
