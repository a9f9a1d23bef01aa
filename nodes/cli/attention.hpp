#pragma once

#include "config/base/file_handle.hpp"
#include "nodes/cli/interrupts.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace troupe::cli {

/// What a waiting command reacts to beside its link, as one descriptor: signals, and once a person
/// was asked something, the line that the person types.
class attention {
public:
  attention();

  /// Readable when there is a signal or a line: for waits of others.
  int fd() const noexcept { return both_.get(); }
  /// Reads one signal; 0 if there is none.
  int take() { return signals_.take(); }

  /// Whether somebody sits there who reads questions and may answer: the command is in the
  /// foreground of the terminal that is its standard input and error.
  static bool has_person();

  /// From now on, lines of standard input count too.
  void listen();
  void ignore_lines();
  /// The line that has come, without its end; nothing if none has. The end of the input is an empty
  /// line, the last one.
  std::optional<std::string> take_line();

  /// Returns early when there is something to take.
  void wait(std::chrono::milliseconds at_most) const;

private:
  interrupts signals_;
  file_handle both_; ///< an epoll
  bool listens_ = false;
};

} // namespace troupe::cli
