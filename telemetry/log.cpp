#include "telemetry/log.hpp"

#include "config/limits/telemetry.hpp"
#include "telemetry/log_format.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace troupe {

namespace {

spdlog::level::level_enum to_spdlog(log_level level) {
  switch (level) {
    case log_level::debug:
      return spdlog::level::debug;
    case log_level::info:
      return spdlog::level::info;
    case log_level::warning:
      return spdlog::level::warn;
    case log_level::error:
      return spdlog::level::err;
    case log_level::off:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

log_level from_spdlog(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err)
    return log_level::error;
  if (level == spdlog::level::warn)
    return log_level::warning;
  return level == spdlog::level::info ? log_level::info : log_level::debug;
}

/// spdlog's queue carries a level, a time and one text. The text begins with a trace id and the
/// component, so the caller only copies, and the writing thread formats.
constexpr std::size_t packed_head = sizeof(trace_id) + 1;

std::string pack(const log_line& line) {
  constexpr std::string_view cut = " [cut]";
  auto component = line.component.substr(0, 255);
  std::string_view text = line.text;
  bool too_long = text.size() > limits::log_line_bytes_max;
  if (too_long)
    text = text.substr(0, limits::log_line_bytes_max);
  std::string packed(packed_head, '\0');
  packed.reserve(packed_head + component.size() + text.size() + cut.size());
  std::memcpy(packed.data(), &line.trace, sizeof line.trace);
  packed[packed_head - 1] = static_cast<char>(component.size());
  packed += component;
  packed += text;
  if (too_long)
    packed += cut;
  return packed;
}

class line_formatter final : public spdlog::formatter {
public:
  line_formatter(bool json, bool colour, std::string node)
      : json_(json), colour_(colour), node_(std::move(node)) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& to) override {
    std::string_view packed{message.payload.data(), message.payload.size()};
    if (packed.size() < packed_head)
      return;
    stamped_line line;
    std::memcpy(&line.trace, packed.data(), sizeof line.trace);
    std::size_t component_size = static_cast<unsigned char>(packed[packed_head - 1]);
    line.at = std::chrono::time_point_cast<std::chrono::nanoseconds>(message.time);
    line.level = from_spdlog(message.level);
    line.node = node_;
    line.component = packed.substr(packed_head, component_size);
    line.text = packed.substr(packed_head + line.component.size());
    text_.clear();
    if (json_)
      append_json_line(text_, line);
    else
      append_readable_line(text_, line, colour_);
    to.append(text_.data(), text_.data() + text_.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<line_formatter>(json_, colour_, node_);
  }

private:
  bool json_;
  bool colour_;
  std::string node_;
  std::string text_; ///< kept for its capacity; one thread formats
};

class spdlog_sink final : public log_sink {
public:
  explicit spdlog_sink(const log_options& options)
      : pool_(std::make_shared<spdlog::details::thread_pool>(limits::log_lines_queued_max, 1)) {
    std::string problem;
    auto output = open_output(options, problem);
    bool colour = !options.json && options.file.empty() && terminal_with_colours();
    output->set_formatter(
        std::make_unique<line_formatter>(options.json, colour, options.node_name));
    logger_ = std::make_shared<spdlog::async_logger>("troupe", std::move(output), pool_,
                                                     spdlog::async_overflow_policy::overrun_oldest);
    logger_->set_level(to_spdlog(options.level));
    logger_->flush_on(spdlog::level::trace); // by the writing thread, after each line
    if (!problem.empty())
      write({log_level::error, "log", std::move(problem), {}});
  }

  ~spdlog_sink() override = default; // the pool goes last: it writes what is queued

  void write(log_line line) override {
    if (wants(line.level))
      logger_->log(to_spdlog(line.level), spdlog::string_view_t{pack(line)});
  }

  bool wants(log_level level) const noexcept override {
    return level != log_level::off && logger_->should_log(to_spdlog(level));
  }

  std::uint64_t dropped() const noexcept override { return pool_->overrun_counter(); }

private:
  static bool terminal_with_colours() {
    const char* no_colour = std::getenv("NO_COLOR"); // https://no-color.org
    const char* terminal = std::getenv("TERM");
    return ::isatty(STDERR_FILENO) == 1 && (!no_colour || *no_colour == '\0')
           && !(terminal && std::strcmp(terminal, "dumb") == 0);
  }

  static spdlog::sink_ptr open_output(const log_options& options, std::string& problem) {
    if (!options.file.empty()) {
      try {
        return std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
            options.file, limits::log_file_bytes_max, limits::log_files_kept);
      } catch (const spdlog::spdlog_ex& error) {
        problem = std::string{error.what()}
                  + "; logging to standard error instead: choose another telemetry.log_file";
      }
    }
    return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }

  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::logger> logger_;
};

class null_sink final : public log_sink {
public:
  void write(log_line) override {}
  bool wants(log_level) const noexcept override { return false; }
};

} // namespace

std::shared_ptr<log_sink> make_log_sink(const log_options& options) {
  return std::make_shared<spdlog_sink>(options);
}

std::shared_ptr<log_sink> make_null_log_sink() { return std::make_shared<null_sink>(); }

} // namespace troupe
