#pragma once

#include "config/base/result.hpp"
#include "config/limits/models.hpp"
#include "config/model_capabilities.hpp"
#include "config/prices.hpp"
#include "config/routes.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

struct config_error;
class yaml_node;

/// Where the key of a provider is: never the key, so that no copy of a configuration holds it. The
/// node that makes the calls reads it there, and again when the file has changed.
struct key_place {
  enum class sort : std::uint8_t {
    variable,    ///< of the environment
    file,        ///< which holds nothing else
    config_file, ///< the `api_key` of that provider there
  };
  sort where = sort::variable;
  std::string what; ///< the name of the variable, or a path

  bool operator==(const key_place&) const = default;
};

struct provider_key {
  key_place place;
  std::uint32_t weight = 1; ///< its share of the calls, beside the others

  bool operator==(const provider_key&) const = default;
};

/// Somebody who answers ModelRequests. The keys of the configuration are called as the members.
struct provider_config {
  enum class api : std::uint8_t {
    openai,    ///< OpenAI's API, which many others speak too
    anthropic, ///< Anthropic's
    offline,   ///< nobody's: its models are other names of the built-in one
    simulated, ///< nobody's: answers are made up in the node itself, to test without a network
  };
  struct timeouts_section {
    std::chrono::milliseconds connect = limits::provider_connect_timeout;
    std::chrono::milliseconds first = limits::provider_first_timeout;
    std::chrono::milliseconds between = limits::provider_between_timeout;
    std::chrono::milliseconds total = limits::provider_total_timeout;

    bool operator==(const timeouts_section&) const = default;
  };

  std::string name;
  api kind = api::openai;
  std::string base_url;                       ///< without the `/` at the end
  std::vector<provider_key> keys;             ///< empty: it wants none
  std::map<std::string, std::string> headers; ///< further ones, for every call
  std::vector<std::string> models;            ///< it has these; empty: any name is passed on
  timeouts_section timeouts;
  std::uint32_t calls_max = limits::provider_calls; ///< at once, of one node
  std::filesystem::path ca_file;                ///< trusted instead of the system's; empty: none
  std::vector<model_price> prices;              ///< these come before those of the program
  std::vector<model_capabilities> capabilities; ///< these, too
  std::map<std::string, std::string> simulate;  ///< how one that is simulated behaves

  bool operator==(const provider_config&) const = default;
};

std::string_view to_string(provider_config::api kind);

/// All that is not built in. `offline` is, and needs no entry.
struct models_catalog {
  std::vector<provider_config> providers;
  std::map<std::string, std::string> aliases; ///< to PROVIDER/MODEL
  std::vector<route_config> routes;

  const provider_config* find(std::string_view provider) const;
  const route_config* find_route(std::string_view route) const;
};

/// What a model's name stands for.
struct resolved_model {
  const provider_config* provider = nullptr; ///< null: the offline model
  std::string model;                         ///< as its provider calls it
};

/// `asked` is PROVIDER/MODEL, an alias, `offline` or empty (the same). The error says which models
/// there are.
outcome<resolved_model, std::string> resolve_model(const models_catalog& all,
                                                   std::string_view asked);

/// What a call of that model costs there: the provider's own price, or that of the program's list.
/// Null: none is known.
const model_price* price_of(const provider_config& provider, std::string_view model,
                            const std::vector<model_price>& known);

/// What to tell people whose models have prices that are too old, or nothing. `today`: days since
/// 1970.
std::string old_prices(const models_catalog& all, const std::vector<model_price>& known,
                       std::int64_t today);

/// Reads the sections `providers` and `aliases` of `file`: paths are relative to its folder.
outcome<std::vector<provider_config>, config_error>
read_providers(const yaml_node& section, const std::filesystem::path& file);
outcome<std::map<std::string, std::string>, config_error> read_aliases(const yaml_node& section);
/// An error for an alias that leads nowhere.
outcome<void, config_error> check_aliases(const models_catalog& all, const yaml_node& section);

/// The sections as `read_providers` reads them back. `hide_headers`: for people.
std::string show_providers(const models_catalog& all, bool hide_headers);

/// One line per key, as `describe_config` writes them.
struct described_key {
  std::string_view name, type, standard, help;
};
std::vector<described_key> describe_providers();

} // namespace troupe
