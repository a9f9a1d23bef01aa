#pragma once

#include "tests/e2e/own_roles.hpp"

#include <optional>

namespace troupe::tests {

/// `troupe simulate` on a free port, unless the arguments name one: the provider of the tests. It
/// ends with the object.
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
class simulated_models : public own_roles {
protected:
  /// `rules` are those of `troupe simulate`; the providers' `more` lines are indented by four.
  void simulate(const std::string& rules, std::vector<std::string> arguments = {},
                const std::string& more = "");
  void TearDown() override;

  std::filesystem::path ledger() const { return user.path() / "ledger.jsonl"; }

  std::optional<simulator> provider_;
};

} // namespace troupe::tests
