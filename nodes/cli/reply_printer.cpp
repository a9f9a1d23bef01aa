#include "nodes/cli/reply_printer.hpp"

#include "messages/agents.pb.h"

namespace troupe::cli {

std::string reply_printer::started_again() const {
  return "\n" + painted("[the answer starts again]", colour::yellow, place_.colours) + "\n";
}

std::string reply_printer::piece(const Piece& part) {
  if (part.attempt() < attempt_)
    return {};
  std::string text;
  bool again = part.restarted() || part.attempt() > attempt_;
  if (again && !shown_.empty()) {
    text = started_again();
    shown_.clear();
  }
  attempt_ = part.attempt();
  shown_ += part.text();
  return text + shown_on(place_, part.text());
}

std::string reply_printer::end(const std::string& whole) {
  std::string text;
  if (whole.starts_with(shown_))
    text = shown_on(place_, whole.substr(shown_.size()));
  else
    text = started_again() + shown_on(place_, whole);
  return whole.ends_with('\n') ? text : text + "\n";
}

} // namespace troupe::cli
