#pragma once

#include "tests/e2e/own_roles.hpp"
#include "tests/e2e/real_server.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::tests {

/// Agents that ask a small real model by llama.cpp's server: `open/smollm2` by OpenAI's API,
/// `claude/smollm2` by Anthropic's. The test is skipped where the server is not installed.
class llama_models : public own_roles {
protected:
  void SetUp() override;
  void TearDown() override;

  /// Starts the server with further arguments and configures both providers; their `more` lines
  /// are indented by four.
  void serve(const std::vector<std::string>& arguments = {}, variables environment = {},
             const std::string& more = "");

  /// One of the figures of its /metrics, such as "tokens_predicted_total"; -1: it has none.
  double figure(const std::string& name) const;
  /// Whether the figure became that in time.
  bool await_figure(const std::string& name, double wanted, clock::duration at_most) const;
  /// Whether its /health came to answer with that status in time.
  bool await_health(int status, clock::duration at_most) const;

  /// The spans of the last command's calls of models, in the order of the trace.
  std::vector<told_span> last_calls() const;

  real_server server{user, "llama"};

private:
  std::string base_; ///< http://HOST:PORT
};

} // namespace troupe::tests
