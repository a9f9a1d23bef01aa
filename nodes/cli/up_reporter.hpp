#pragma once

#include "nodes/cli/output.hpp"
#include "nodes/local_cluster.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

namespace troupe::cli {

/// What `troupe up` prints: a line for each event, in words or as JSON.
class up_reporter final : public cluster_observer {
public:
  using clock = std::chrono::steady_clock;

  struct options {
    bool as_json = false;
    bool colours = false;
    std::size_t nodes = 0;
    clock::time_point began;
    std::filesystem::path data;
    std::string hint; ///< " --data DIR" if commands need it
    bool detached = false;
  };

  /// `line` prints one whole line. `when_ready` is called once, after the line that reports it.
  up_reporter(options given, std::function<void(const std::string&)> line,
              std::function<void()> when_ready, std::function<void()> when_stopping);

  void node_ready(const local_node& node, pid_t pid, bool restarted) override;
  void cluster_ready() override;
  void node_exited(const local_node& node, pid_t pid, const child_exit& ended) override;
  void node_hangs(const local_node& node, pid_t pid, const std::string& why) override;
  void node_restarting(const local_node& node, std::chrono::milliseconds after,
                       const std::string& why) override;
  void node_given_up(const local_node& node, const std::string& why) override;
  void stopping() override;

private:
  void tell(const std::string& words, const json& record);

  options given_;
  std::string hint_; ///< safe to print
  std::function<void(const std::string&)> line_;
  std::function<void()> when_ready_;
  std::function<void()> when_stopping_;
  bool stopping_ = false;
};

/// "kept in DIR (1.2 MiB): ...; `troupe up` continues with them": the last line of `up` and `down`.
std::string kept_text(const std::filesystem::path& data, const std::string& hint);
json kept_json(const std::filesystem::path& data);

} // namespace troupe::cli
