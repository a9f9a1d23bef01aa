#include "actors/llm/safety/piece_checks.hpp"

#include <utility>

namespace troupe {

piece_checks::piece_text piece_checks::sort_of(const Piece& piece) {
  if (piece.has_tool_call())
    return piece_text::arguments;
  if (!piece.thinking().empty())
    return piece_text::thinking;
  return piece.refusal().empty() ? piece_text::text : piece_text::refusal;
}

std::string& piece_checks::text_of(Piece& piece, piece_text what) {
  switch (what) {
    case piece_text::text:
      break;
    case piece_text::thinking:
      return *piece.mutable_thinking();
    case piece_text::refusal:
      return *piece.mutable_refusal();
    case piece_text::arguments:
      return *piece.mutable_tool_call()->mutable_arguments();
  }
  return *piece.mutable_text();
}

void piece_checks::feed(Piece piece, passed& into) {
  auto what = sort_of(piece);
  auto call = piece.tool_call().index();
  auto found = open_.find(piece.choice());
  if (found != open_.end() && (found->second.what != what || found->second.call != call)) {
    end(piece.choice(), found->second, into);
    open_.erase(found);
    found = open_.end();
  }
  if (into.blocked_by)
    return;
  if (found == open_.end()) {
    auto of = what == piece_text::arguments ? placeholders::within::json_text
                                            : placeholders::within::text;
    found = open_
                .emplace(piece.choice(), open_text{what, call, safety_stream{*rules_, *asked_, of},
                                                   unit_cutter{unit_}})
                .first;
  }
  auto text = std::exchange(text_of(piece, what), {});
  auto made = found->second.checks.feed(text);
  if (take(made, into))
    add(std::move(piece), std::move(made.text), found->second, into);
}

void piece_checks::finish(passed& into) {
  for (auto& [choice, one] : open_)
    if (!into.blocked_by)
      end(choice, one, into);
  open_.clear();
}

void piece_checks::end(std::uint32_t choice, open_text& of, passed& into) const {
  auto made = of.checks.finish();
  if (!take(made, into))
    return;
  Piece last;
  last.set_choice(choice);
  if (of.what == piece_text::arguments)
    last.mutable_tool_call()->set_index(of.call);
  add(last, std::move(made.text), of, into);
  if (auto rest = of.cutter.rest(); !rest.empty()) {
    last.set_text(std::move(rest));
    into.pieces.push_back(std::move(last));
  }
}

/// Whether the stream goes on.
bool piece_checks::take(safety_outcome& made, passed& into) {
  for (std::size_t check = 0; check < safety_checks; ++check)
    into.found[check] += made.found[check];
  if (!made.blocked_by)
    return true;
  into.blocked_by = made.blocked_by;
  into.why = std::move(made.why);
  return false;
}

void piece_checks::add(Piece piece, std::string text, open_text& of, passed& into) const {
  if (of.what == piece_text::text && unit_ != UNIT_AS_IT_COMES) {
    std::vector<std::string> units;
    of.cutter.give(text, units);
    for (auto& unit : units) {
      piece.set_text(std::move(unit));
      into.pieces.push_back(piece);
    }
    return;
  }
  bool is_empty = text.empty();
  text_of(piece, of.what) = std::move(text);
  if (!is_empty || !piece.tool_call().id().empty() || !piece.tool_call().name().empty())
    into.pieces.push_back(std::move(piece));
}

} // namespace troupe
