#pragma once

#include "tests/support/process.hpp"

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

/// The `troupe` command and the clusters that it starts, as a user runs them.
namespace troupe::tests {

using json = nlohmann::json;
using namespace std::chrono_literals;

inline constexpr auto command_deadline = 60s;

using variables = std::vector<std::pair<std::string, std::string>>;

struct command_result {
  exit_state ended;
  std::string out;
  std::string err;
  bool in_time = true; ///< it ended by itself before the deadline

  bool ok() const { return in_time && ended.code == 0; }
  /// Standard output as one JSON value; null (and a test failure) if it is not JSON.
  json parsed() const;
  /// Everything that a person needs to see why the result is not as expected.
  std::string shown() const;
};

/// A user's environment in its own folder: state and temporary files, without configuration from
/// outside.
class home {
public:
  explicit home(std::filesystem::path program);

  const std::filesystem::path& path() const noexcept { return folder_.path(); }
  /// The data folder of the default cluster.
  std::filesystem::path data() const { return path() / "state" / "troupe" / "default"; }
  std::filesystem::path temporary_files() const { return path() / "tmp"; }

  /// Runs `troupe ARGUMENTS` to its end.
  command_result troupe(std::vector<std::string> arguments, variables environment = {},
                        clock::duration at_most = command_deadline) const;
  /// Runs a script of /bin/sh, in which `$troupe` is the program, to its end.
  command_result shell(const std::string& script, clock::duration at_most = command_deadline) const;
  /// The same with a terminal as all three streams; `out` is what the terminal got.
  command_result on_terminal(const std::string& script,
                             clock::duration at_most = command_deadline) const;
  /// Starts such a script without waiting.
  process start_shell(const std::string& script) const;
  /// Starts `troupe ARGUMENTS`.
  process start(std::vector<std::string> arguments, variables environment = {}) const;

  /// Sets a variable for every later command.
  void set(std::string variable, std::string value);

private:
  process_options surroundings() const;

  std::filesystem::path program_;
  temporary_folder folder_;
  variables environment_;
};

struct running_node {
  std::string id;
  std::string name;
  pid_t pid = 0;
  std::string address;
  std::string http_address;
};

struct cluster_options {
  int nodes = 3;
  std::vector<std::string> arguments = {}; ///< further ones for `up`
  variables environment = {};
};

/// `troupe up --json` in the foreground. The destructor stops it in order, and by SIGKILL if it
/// does not.
class cluster {
public:
  /// Throws std::runtime_error, with what `up` said, unless all nodes become ready.
  explicit cluster(const home& where, cluster_options options = {});
  cluster(cluster&&) = default;
  ~cluster();

  process& up() noexcept { return up_; }
  const std::vector<running_node>& nodes() const noexcept { return nodes_; }
  const running_node& node(std::string_view id_or_name) const;

  /// The next event of `up` for which `fits` returns true. Throws if none comes in time. Keeps
  /// `nodes` up to date.
  json await_event(const std::function<bool(const json&)>& fits,
                   clock::duration at_most = command_deadline);

  /// Waits until the node runs again as another process. Returns its new process id.
  pid_t await_restart(const std::string& name, pid_t before);

  /// Sends SIGTERM to `up` and returns its exit code. No process of the cluster is left then.
  exit_state stop();

private:
  void take_note(const json& event);

  process up_;
  std::vector<running_node> nodes_;
};

/// A GET of HTTP/1.1 without proxies.
struct http_answer {
  int status = 0; ///< 0: no connection or no answer
  std::string content_type;
  std::string body;
};
http_answer http_get(const std::string& url, std::chrono::milliseconds at_most = 10s);

/// Kills the remaining children of this process and their groups. Returns the command line of each
/// that was still running; it should be empty.
std::vector<std::string> end_leftovers();

} // namespace troupe::tests
