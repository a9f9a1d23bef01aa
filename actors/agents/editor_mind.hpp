#pragma once

#include "actors/agents/mind.hpp"
#include "actors/agents/script.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// Makes one Markdown report of what readers found. Input: {question: text, readings: list of
/// reader outputs, skipped: list of {name, why}}. Asks a model which of the verified quotations
/// answer best; its other quotations are dropped and counted. Reply and output: the report.
///
/// Ten thousand readings are tens of megabytes: they are passed on unchanged, and service::reading
/// reads them.
class editor_mind {
public:
  struct state {
    std::string question;
    ValueMap input; ///< while the model chooses
  };

  explicit editor_mind(std::shared_ptr<const script> says) : script_(std::move(says)) {}

  std::pair<state, commands> decide(state&& now, mind_event happened) const;
  static std::string save(const state&) { return {}; }
  static bool load(state&, std::string_view bytes) { return bytes.empty(); }

private:
  commands received(state& now, message_received message) const;
  commands edited(state& now, reading_answered reading) const;
  commands answered(state& now, model_answered model) const;

  std::shared_ptr<const script> script_;
};

} // namespace troupe
