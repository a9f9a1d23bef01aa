#pragma once

#include "tests/e2e/e2e.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace troupe::tests {

/// Agents of roles that the test writes, which ask models of the providers that it configures.
class own_roles : public e2e_test {
protected:
  /// The configuration of every later command: those sections, and the folder of the roles.
  void configure(const std::string& sections);
  void role(const std::string& name, const std::string& model, const std::string& more = "");
  /// `troupe send ROLE/a TEXT`
  command_result send(const std::string& role_name, const std::string& text,
                      std::vector<std::string> more = {});
  /// A run of one task of that role; its only result is the answer.
  command_result run(const std::string& role_name, const std::string& text);

  std::filesystem::path roles() const { return user.path() / "roles"; }
  std::filesystem::path config() const { return user.path() / "troupe.yaml"; }
};

} // namespace troupe::tests
