#pragma once

#include "actors/agents/mind.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::sim {

/// What a chain asks its model: it names the task, and all that the task has heard so far, so that
/// each question shows what its mind knew.
struct chain_question {
  std::int64_t run = 0;           ///< the number that its inputs have, not its id
  std::int64_t item = 0;          ///< of the task
  std::vector<std::string> heard; ///< answers, or `failed`, in order

  static constexpr std::string_view failed = "-";
  /// Its number within the task, from 1: it is a step of the task.
  std::size_t number() const noexcept { return heard.size() + 1; }
  friend bool operator==(const chain_question&, const chain_question&) = default;
};
std::string to_string(const chain_question& question);
/// Nothing if the text is another one.
std::optional<chain_question> read_chain_question(std::string_view text);

/// Who listens to the minds of chains.
struct chain_listener {
  std::function<void(std::int64_t answer)> hears; ///< an answer has come to a mind. May be empty
};

/// A task of dependent calls: each question has the answers to those before. It ends with the third
/// answer. One failure in between does not end it: it asks on and says so.
class chain_mind {
public:
  static constexpr std::size_t answers_wanted = 3;
  static constexpr std::size_t failures_max = 1;

  struct state {
    chain_question next;
  };
  explicit chain_mind(std::shared_ptr<const chain_listener> listener)
      : listener_(std::move(listener)) {}
  std::pair<state, commands> decide(state&& now, mind_event happened) const;
  static std::string save(const state&) { return {}; }
  static bool load(state&, std::string_view bytes) { return bytes.empty(); }

private:
  std::shared_ptr<const chain_listener> listener_;
};

} // namespace troupe::sim
