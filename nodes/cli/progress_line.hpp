#pragma once

#include "messages/runs.pb.h"
#include "nodes/cli/output.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::cli {

/// One line of progress on standard error. It is redrawn in place on a terminal; elsewhere a line
/// is printed now and then.
class progress_line {
public:
  using clock = std::chrono::steady_clock;

  explicit progress_line(terminal where, std::FILE* out = stderr) : shown_on_(where), out_(out) {}
  ~progress_line() { clear(); }
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;

  /// Shows `text` unless the line was drawn a moment ago; `important` text is always shown.
  void show(std::string_view text, clock::time_point now, bool important = false);
  /// Removes the line, so that other output can follow.
  void clear();

  const terminal& shown_on() const noexcept { return shown_on_; }

private:
  terminal shown_on_;
  std::FILE* out_;
  std::optional<clock::time_point> shown_at_;
  std::string last_;
  bool visible_ = false;
};

/// "[=====>    ] 9/18 done, 3 running, 6 waiting (read GPL-3)", made to fit in `columns`.
std::string run_progress(const RunProgress& progress, int columns);

/// "[=====>    ] 9/18 files, 1.2 MiB sent".
std::string upload_progress(std::size_t done, std::size_t total, std::uint64_t bytes, int columns);

} // namespace troupe::cli
