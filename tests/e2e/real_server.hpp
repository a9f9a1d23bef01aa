#pragma once

#include "tests/e2e/e2e.hpp"

#include <string>
#include <vector>

/// A server of others, by its script in tests/support/servers. It ends with the object.
namespace troupe::tests {

class real_server {
public:
  /// `name` is the script's, "jaeger". Asks whether it is installed, and starts nothing.
  real_server(const home& user, const std::string& name);
  ~real_server() { stop(); }
  real_server(const real_server&) = delete;
  real_server& operator=(const real_server&) = delete;

  /// Why there is none; empty if it is installed.
  const std::string& missing() const noexcept { return missing_; }
  /// Where it is installed.
  const std::filesystem::path& program() const noexcept { return program_; }

  /// Returns when it is ready. Throws std::runtime_error, with what the script said.
  void start(const std::vector<std::string>& arguments = {}, variables environment = {});
  void stop();

  /// What its start said behind `NAME=`; empty if it did not say that.
  std::string setting(const std::string& name) const;
  /// Its folder: `log`, `pid`, `env`.
  const std::filesystem::path& folder() const noexcept { return folder_; }

private:
  std::filesystem::path script_;
  std::filesystem::path folder_;
  std::filesystem::path program_;
  std::string missing_;
  std::string said_;
  bool started_ = false;
};

} // namespace troupe::tests
