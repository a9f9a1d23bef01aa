#pragma once

#include "config/base/result.hpp"
#include "config/limits/choosing.hpp"
#include "config/model_capabilities.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

struct config_error;
struct described_key;
struct models_catalog;
class yaml_node;

/// What a call is for, as far as rules tell calls apart.
enum class task_type : std::uint8_t { other, code_generation, planning, analysis };

std::string_view to_string(task_type task);
std::optional<task_type> to_task_type(std::string_view word);

/// How a route chooses among the models that can answer a call.
enum class route_policy : std::uint8_t {
  fixed,         ///< the first of its list; the others if it fails
  by_complexity, ///< the tier that its rules say, and the cheapest of it
  cheapest,      ///< the lowest expected cost
  fastest,       ///< the shortest time to the first piece, by a moving average
  cascade,       ///< the cheapest first; the next one if a score of its answer is too low
};

std::string_view to_string(route_policy policy);

/// "Code generation above 0.8 takes the large tier."
struct route_rule {
  std::vector<task_type> tasks; ///< one of them; empty: any
  double above = 0;             ///< a complexity above this; 0: any
  model_tier tier = model_tier::small;

  bool operator==(const route_rule&) const = default;
};

/// Settings of calls from some complexity on. What a caller says itself comes first.
struct route_class {
  double from = 0;                   ///< complexity; the last class that fits counts
  std::string model;                 ///< PROVIDER/MODEL or an alias; empty: as the policy says
  std::optional<double> temperature; ///< none: the model's own
  std::uint32_t output_tokens = 0;   ///< 0: the model's own limit
  std::string quantization;          ///< where a candidate offers it; empty: any

  bool operator==(const route_class&) const = default;
};

/// How often a call is tried, and how long is waited in between.
struct attempt_limits {
  std::uint32_t each = limits::attempts_each;
  std::uint32_t all = limits::attempts_all;
  std::chrono::milliseconds pause = limits::retry_pause;
  std::chrono::milliseconds pause_max = limits::retry_pause_max;
  std::chrono::milliseconds hedge{0}; ///< without a first piece: another is asked too; 0: never

  bool operator==(const attempt_limits&) const = default;
};

/// A name that roles give as their model, behind which several models stand. The keys of the
/// configuration are called as the members.
struct route_config {
  std::string name;
  route_policy policy = route_policy::by_complexity;
  std::vector<std::string> models;          ///< PROVIDER/MODEL, aliases or `offline`; in this order
  std::vector<route_rule> rules;            ///< the first that fits
  model_tier otherwise = model_tier::small; ///< if none fits
  std::vector<route_class> classes;         ///< by `from`
  attempt_limits attempts;
  double accept = 0.5; ///< of a cascade: the least score of an answer that is taken

  bool operator==(const route_config&) const = default;
};

/// Code generation above 0.8: large; planning and analysis above 0.6: medium (FEATURES H1).
const std::vector<route_rule>& usual_rules();

/// Reads the section `routes`.
outcome<std::vector<route_config>, config_error> read_routes(const yaml_node& section);
/// An error for a model that there is not, and for a name that an alias has too.
outcome<void, config_error> check_routes(const std::vector<route_config>& all,
                                         const models_catalog& models, const yaml_node& section);

/// The section as `read_routes` reads it back.
std::string show_routes(const std::vector<route_config>& all);

/// One line per key, as `describe_config` writes them.
std::vector<described_key> describe_routes();

} // namespace troupe
