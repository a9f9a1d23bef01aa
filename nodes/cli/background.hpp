#pragma once

#include "actors/cluster/socket.hpp"
#include "config/base/file_handle.hpp"
#include "nodes/cli/output.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace troupe::cli {

/// The channel from a process in the background to the process that the user sees. Until `ready`,
/// everything printed goes to both the log and that process.
class background {
public:
  explicit background(file_handle to_foreground) : pipe_(std::move(to_foreground)) {}

  void line(const std::string& text);
  /// The foreground process ends with 0.
  void ready();
  /// The foreground process shows the error and ends with its code.
  void failed(const cli_error& error, bool as_json);
  /// Another process does what was wanted: the foreground process goes on by itself.
  void stands_back();

private:
  void send(const std::string& text);
  file_handle pipe_;
};

/// Runs `work` in a new process with its own session. Standard output and error are appended to
/// `log`. The calling process shows what the new one prints and returns when that one is ready or
/// has failed. If it is interrupted, it ends the new process. Returns nothing if the new process
/// stood back.
std::optional<int> run_in_background(const std::filesystem::path& log,
                                     const std::function<int(background&)>& work);

} // namespace troupe::cli
