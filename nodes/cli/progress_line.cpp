#include "nodes/cli/progress_line.hpp"

#include "config/base/count_of.hpp"
#include "messages/runs.pb.h"
#include "telemetry/text_escape.hpp"

#include <algorithm>

namespace troupe::cli {

using namespace std::chrono_literals;

namespace {

constexpr auto redraw_interval = 50ms;
constexpr auto line_interval = 2s; ///< where lines cannot be erased

std::string bar(std::uint64_t done, std::uint64_t total, int columns) {
  auto width = std::clamp(columns - 50, 10, 30);
  auto filled =
      total == 0
          ? 0
          : static_cast<int>(std::min(done, total) * static_cast<std::uint64_t>(width) / total);
  std::string text(static_cast<std::size_t>(filled), '=');
  if (filled < width)
    text += '>';
  text.resize(static_cast<std::size_t>(width), ' ');
  return "[" + text + "] ";
}

/// The first `columns` characters. Never splits a character of UTF-8.
std::string fit(std::string text, int columns) {
  int seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80)
      continue;
    if (++seen > columns) {
      text.resize(i);
      break;
    }
  }
  return text;
}

} // namespace

void progress_line::show(std::string_view text, clock::time_point now, bool important) {
  auto interval =
      shown_on_.is_terminal ? clock::duration{redraw_interval} : clock::duration{line_interval};
  if (!important && shown_at_ && now - *shown_at_ < interval)
    return;
  if (text == last_ && (visible_ || !shown_on_.is_terminal))
    return;
  shown_at_ = now;
  last_ = text;
  auto line = one_line(text); // task names may be file names, so any text
  if (!shown_on_.is_terminal) {
    std::fprintf(out_, "%s\n", line.c_str());
    return;
  }
  line = fit(std::move(line), shown_on_.columns - 1);
  std::fprintf(out_, "\r%s\x1b[K", line.c_str());
  std::fflush(out_);
  visible_ = true;
}

void progress_line::clear() {
  if (!visible_)
    return;
  std::fputs("\r\x1b[K", out_);
  std::fflush(out_);
  visible_ = false;
}

std::string run_progress(const RunProgress& progress, int columns) {
  auto text = bar(progress.done(), progress.total(), columns) + std::to_string(progress.done())
              + "/" + std::to_string(progress.total()) + " done, "
              + std::to_string(progress.running()) + " running, "
              + std::to_string(progress.waiting() + progress.queued()) + " waiting";
  if (progress.failed() > 0)
    text += ", " + std::to_string(progress.failed()) + " failed";
  if (auto tasks = progress.waits_for_version(); tasks > 0)
    text += ", " + std::to_string(tasks) + " of them for " + progress.waits_for();
  if (!progress.last().empty())
    text += " (" + progress.last() + ")";
  return text;
}

std::string upload_progress(std::size_t done, std::size_t total, std::uint64_t bytes, int columns) {
  return bar(done, total, columns) + std::to_string(done) + "/" + count_of(total, "file") + ", "
         + human_bytes(bytes) + " sent";
}

} // namespace troupe::cli
