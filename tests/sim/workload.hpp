#pragma once

#include "messages/errors.hpp"
#include "tests/sim/client.hpp"
#include "tests/sim/run_workload.hpp"
#include "tests/sim/world.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::sim {

/// A text that a client told a keeper or an adviser, and what it heard.
struct told_fact {
  std::string keeper; ///< "keeper/3"
  std::string text;
  std::optional<ec> answer; ///< none yet, or `none` for a reply
  std::string reply;
  std::string why;
  std::chrono::nanoseconds took{0};
};

/// A document that a client stored and told a librarian to remember.
struct told_document {
  std::string librarian;
  std::string sha256;               ///< empty: it could not be stored
  std::optional<ec> answer;         ///< as of a fact
  std::chrono::nanoseconds took{0}; ///< to remember it
};

/// A text that a client told a quick agent, or a question to a talker, and what it heard.
struct told_text {
  std::string agent;
  std::string text;
  std::optional<ec> answer; ///< as of a fact
  std::string reply;
  std::chrono::nanoseconds took{0};
};

/// What clients do: each has a few lanes, and in a lane one thing after another. They tell keepers
/// facts, let librarians remember documents and ask them, talk with agents that answer at once and
/// with such that ask a provider, submit runs and look after them, until `until`.
class workload {
public:
  workload(world& in, std::uint64_t seed, std::chrono::nanoseconds until);

  void begin();
  /// Everything was answered, and nothing more is asked.
  bool done() const;
  /// Who still waits for an answer.
  std::vector<std::string> waiting() const;

  const std::vector<std::unique_ptr<told_fact>>& facts() const { return facts_; }
  const std::vector<std::unique_ptr<told_document>>& documents() const { return documents_; }
  const std::vector<std::unique_ptr<asked_run>>& runs() const { return runs_.all(); }
  const std::vector<std::unique_ptr<told_text>>& to_quick() const { return to_quick_; }
  const std::vector<std::unique_ptr<told_text>>& to_talkers() const { return to_talkers_; }
  std::uint64_t repetitions() const;

private:
  static constexpr std::size_t lanes = 4; ///< of one client
  void next(std::size_t lane);
  void tell_fact(std::size_t lane);
  void store_document(std::size_t lane);
  void remember(std::size_t lane, told_document& document, BlobRef blob);
  void ask_librarian(std::size_t lane);
  void tell(std::size_t lane, std::vector<std::unique_ptr<told_text>>& all, std::string agent);
  client& client_of(std::size_t lane) { return *clients_[lane / lanes]; }

  world& world_;
  dice dice_;
  instant until_;
  std::chrono::nanoseconds rest_max_;
  std::vector<std::unique_ptr<client>> clients_;
  std::size_t busy_ = 0; ///< lanes that have not ended
  std::vector<std::unique_ptr<told_fact>> facts_;
  std::vector<std::unique_ptr<told_document>> documents_;
  run_workload runs_;
  std::vector<std::unique_ptr<told_text>> to_quick_, to_talkers_;
};

} // namespace troupe::sim
