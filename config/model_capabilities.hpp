#pragma once

#include "config/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

struct config_error;
class yaml_node;

/// How much a model is for: what rules of a route choose.
enum class model_tier : std::uint8_t { small, medium, large };

std::string_view to_string(model_tier tier);
std::optional<model_tier> to_model_tier(std::string_view word);

/// What a model can do, as far as a choice between models needs it. Of a model of which nothing is
/// known, everything is expected: its provider says what it does not take.
struct model_capabilities {
  std::string model; ///< its name, or the beginning of it before a date
  model_tier tier = model_tier::medium;
  std::uint64_t context_tokens = 0; ///< prompt and answer together; 0: not known, no bound
  std::uint64_t output_tokens = 0;  ///< of an answer; 0: not known, no bound
  bool tools = true;
  bool images = true;
  bool json_schema = true;
  std::string quantization; ///< "int8"; empty: as the provider likes
  std::string date;         ///< when it was read: YYYY-MM-DD; empty: somebody's own
  std::string source;       ///< where

  bool operator==(const model_capabilities&) const = default;
};

/// The list of the program (config/capabilities.yaml).
const std::vector<model_capabilities>& known_capabilities();

/// Those of a model as its provider calls it; null: none are known.
const model_capabilities* find_capabilities(const std::vector<model_capabilities>& all,
                                            std::string_view model);

/// Reads such a list. `own`: of a configuration, where `date` and `source` may be left out.
outcome<std::vector<model_capabilities>, config_error> read_capabilities(const yaml_node& list,
                                                                         bool own = false);

/// Capabilities as `read_capabilities` reads them back: a mapping in one line.
std::string show_capabilities(const model_capabilities& of);

} // namespace troupe
