#pragma once

#include "tests/e2e/e2e.hpp"

#include <optional>

namespace troupe::tests {

/// `troupe simulate` on a free port: the provider of the tests. It ends with the object.
class simulator {
public:
  /// Throws std::runtime_error if it does not listen.
  simulator(const home& where, std::vector<std::string> arguments);

  const std::string& url() const noexcept { return url_; }
  process& running() noexcept { return process_; }
  /// The calls that have ended: `GET /ledger`.
  json calls() const;
  /// Waits until a call with that outcome is in the ledger.
  bool wait_for_outcome(const std::string& outcome, clock::duration at_most) const;

private:
  process process_;
  std::string url_;
};

/// Agents whose models are those of a simulated provider, by both APIs: `open/MODEL` and
/// `claude/MODEL`.
class simulated_models : public e2e_test {
protected:
  /// `rules` are those of `troupe simulate`; the providers' `more` lines are indented by four.
  void simulate(const std::string& rules, std::vector<std::string> arguments = {},
                const std::string& more = "");
  void role(const std::string& name, const std::string& model, const std::string& more = "");
  /// `troupe send ROLE/a TEXT`
  command_result send(const std::string& role_name, const std::string& text,
                      std::vector<std::string> more = {});
  /// A run of one task of that role; its only result is the answer.
  command_result run(const std::string& role_name, const std::string& text);
  void TearDown() override;

  std::filesystem::path roles() const { return user.path() / "roles"; }
  std::filesystem::path config() const { return user.path() / "troupe.yaml"; }
  std::filesystem::path ledger() const { return user.path() / "ledger.jsonl"; }

  std::optional<simulator> provider_;
};

} // namespace troupe::tests
