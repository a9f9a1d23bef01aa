#pragma once

#include "messages/agents.pb.h"
#include "messages/payload_kinds.hpp"
#include "nodes/cli/output.hpp"

#include <cstdint>
#include <string>

namespace troupe::cli {

/// Turns the pieces of an answer, and the whole answer, into what a person reads. It prints each
/// character once.
class reply_printer {
public:
  explicit reply_printer(const terminal& place) : place_(place) {}

  /// What to print for a piece; nothing for a piece of an earlier attempt than the one being shown.
  std::string piece(const Piece& part);
  /// What is left to print when the whole answer has arrived: the part that did not come in pieces,
  /// or all of it if the pieces do not match; and the end of the line.
  std::string end(const std::string& whole);
  /// What separates a half-printed answer from an error.
  std::string broken_off() const { return shown_.empty() ? "" : "\n"; }

private:
  std::string started_again() const;

  terminal place_;
  std::uint32_t attempt_ = 0;
  std::string shown_; ///< of this attempt
};

} // namespace troupe::cli
