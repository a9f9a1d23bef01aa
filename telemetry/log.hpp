#pragma once

#include "messages/ids.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe {

enum class log_level : std::uint8_t { debug, info, warning, error, off };
std::string_view to_string(log_level level);

/// One thing to tell the operator. Never contains secrets, prompts or documents.
struct log_line {
  log_level level = log_level::info;
  std::string_view component; ///< a literal: "link", "coordinator"
  std::string text;
  trace_id trace;
};

/// Where log lines go: as JSON, or as readable lines on a person's terminal. Thread-safe. A line
/// costs the caller one insertion into a bounded queue; lines beyond the bound are dropped and
/// counted.
class log_sink {
public:
  virtual ~log_sink() = default;
  virtual void write(log_line line) = 0;

  /// Whether lines of that level are written at all. It never changes: ask once, or before making a
  /// line that is seldom wanted.
  virtual bool wants(log_level) const noexcept { return true; }

  /// Lines that were thrown away because the writer could not keep up.
  virtual std::uint64_t dropped() const noexcept { return 0; }
};

/// Tells of one transition: what has changed, why, and the ids that lead to the lines before and
/// after it. `text` is a function: it is called, and something allocated, only if lines at debug
/// are wanted.
template <class Text>
void debug(log_sink& to, std::string_view component, const Text& text, trace_id trace = {}) {
  if (to.wants(log_level::debug))
    to.write({log_level::debug, component, text(), trace});
}

struct log_options {
  log_level level = log_level::info;
  bool json = true;      ///< otherwise readable; coloured only if standard error is a terminal
  std::string file;      ///< empty: standard error
  std::string node_name; ///< in every line
};

/// A thread of its own writes the lines; destroying the last reference writes the queued lines and
/// ends the thread. If `file` cannot be opened, the lines go to standard error, and the first of
/// them says why.
std::shared_ptr<log_sink> make_log_sink(const log_options& options);

/// Keeps nothing; for tests and tools.
std::shared_ptr<log_sink> make_null_log_sink();

} // namespace troupe
