#include "messages/piece_reader.hpp"

#include "messages/agents.pb.h"

#include <algorithm>

namespace troupe {

std::optional<envelope> piece_reader::took(envelope& came) {
  if (auto* piece = came.body.as<Piece>()) {
    if (piece->attempt() < attempt_)
      return std::nullopt;
    begin(piece->attempt());
    taken_.pieces = std::max<std::uint64_t>(taken_.pieces, piece->index() + std::uint64_t{1});
    taken_.bytes += bytes_of(*piece);
    if (!is_worth_telling(taken_, told_))
      return std::nullopt;
    return told();
  }
  auto* asked = came.body.as<PiecesAsked>();
  if (!asked || asked->attempt() < attempt_)
    return std::nullopt;
  begin(asked->attempt());
  taken_.pieces = std::max(taken_.pieces, asked->pieces()); // what has not come is lost
  return told();
}

void piece_reader::begin(std::uint32_t attempt) {
  if (attempt == attempt_)
    return;
  attempt_ = attempt;
  taken_ = told_ = {};
}

envelope piece_reader::told() {
  told_ = taken_;
  PiecesTaken made;
  made.set_attempt(attempt_);
  made.set_pieces(taken_.pieces);
  made.set_bytes(taken_.bytes);
  auto message = make_envelope(message_kind::acknowledge, request_.target, std::move(made));
  message.id = request_.id;
  message.sender = request_.sender;
  return message;
}

} // namespace troupe
