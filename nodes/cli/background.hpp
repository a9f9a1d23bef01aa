#pragma once

#include "actors/cluster/socket.hpp"
#include "config/base/file_handle.hpp"
#include "nodes/cli/output.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace troupe::cli {

/// The way from a process that goes on in the background to the one the user sees. Everything
/// printed goes to both the log and that process until `ready`.
class background {
public:
  explicit background(file_handle to_foreground) : pipe_(std::move(to_foreground)) {}

  void line(const std::string& text);
  /// The foreground process ends with 0.
  void ready();
  /// The foreground process shows the error and ends with its code.
  void failed(const cli_error& error, bool as_json);

private:
  void send(const std::string& text);
  file_handle pipe_;
};

/// Runs `work` in a new process: a session of its own, standard output and error appended to `log`.
/// The calling process shows what it says, and returns when it is ready or has failed; interrupted,
/// it ends it.
int run_in_background(const std::filesystem::path& log,
                      const std::function<int(background&)>& work);

} // namespace troupe::cli
