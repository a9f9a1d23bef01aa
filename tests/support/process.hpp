#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

/// Processes for end-to-end tests. Every wait is for an event (the end of a process, a line) with a
/// deadline. Nothing sleeps.
namespace troupe::tests {

using clock = std::chrono::steady_clock;

struct process_options {
  std::filesystem::path program;
  std::vector<std::string> arguments = {};                           ///< without the program's name
  std::vector<std::pair<std::string, std::string>> environment = {}; ///< added to the inherited one
  std::vector<std::string> unset = {};                               ///< removed from it
  std::filesystem::path folder = {};                                 ///< where it runs; empty: here
};

/// How a process ended.
struct exit_state {
  int code = -1;  ///< -1 if a signal ended it
  int signal = 0; ///< 0 if it ended by itself
};
std::string to_string(const exit_state& ended);

/// A process in its own process group, with empty standard input. It ends with the thread that
/// started it. The destructor kills the group and waits for the process.
class process {
public:
  /// Throws std::runtime_error if the program cannot be started.
  explicit process(process_options options);
  process(process&&) noexcept;
  process& operator=(process&&) noexcept;
  ~process();

  pid_t pid() const noexcept;

  /// The next line of standard output, without its line end. Nothing if none comes in time or no
  /// more can come.
  std::optional<std::string> read_line(clock::duration at_most);

  /// Waits until standard output holds those words; false if they do not come in time.
  bool wait_for_output(std::string_view words, clock::duration at_most);

  /// Waits for the end of the process; nothing if it still runs after that time.
  std::optional<exit_state> wait(clock::duration at_most);

  /// Waits until nobody holds its standard output and error any more.
  bool wait_for_closed_output(clock::duration at_most);

  void send_signal(int signal);

  /// Sends SIGKILL to its group and waits for its end.
  void kill_now();

  /// Everything it has written so far.
  std::string output() const;
  std::string errors() const;

  /// When parts of its standard output were read, and how long it was then.
  struct arrival {
    clock::time_point at;
    std::size_t bytes = 0;
  };
  std::vector<arrival> arrivals() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Waits for the end of any process, child or not; false if it still runs after that time.
bool wait_for_end(pid_t pid, clock::duration at_most);

bool is_running(pid_t pid);

/// From /proc; zero for a process that has ended.
std::size_t resident_bytes(pid_t pid);
std::size_t peak_resident_bytes(pid_t pid); ///< the most that it ever had resident, in bytes
std::chrono::milliseconds processor_time(pid_t pid);
std::size_t open_descriptors(pid_t pid);

/// A loopback port on which nobody listens now.
int free_port();

/// Makes this process the parent of orphans below it, so that none escapes.
void adopt_orphans();

/// Children of this process, including those not yet waited for.
std::vector<pid_t> children();

/// A folder below $TMPDIR that is removed with its contents.
class temporary_folder {
public:
  temporary_folder();
  ~temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }

private:
  std::filesystem::path path_;
};

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, std::string_view text);

} // namespace troupe::tests
