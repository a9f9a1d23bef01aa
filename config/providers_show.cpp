#include "config/durations.hpp"
#include "config/key_word.hpp"
#include "config/providers.hpp"
#include "config/yaml_text.hpp"

#include <algorithm>

namespace troupe {

std::string show_providers(const models_catalog& all, bool hide_headers) {
  std::string shown;
  auto line = [&](std::string_view key, std::string_view value, std::string_view indent = "    ") {
    shown.append(indent).append(key).append(": ").append(value).append("\n");
  };
  auto word_of = [](const key_place& place) {
    return std::find_if(std::begin(key_words), std::end(key_words),
                        [&](const key_word& one) { return one.kind == place.where; })
        ->key;
  };
  if (!all.providers.empty())
    shown += "providers:\n";
  for (const auto& one : all.providers) {
    shown += "  " + one.name + ":\n";
    line("kind", to_string(one.kind));
    if (!one.models.empty())
      shown += "    models:\n";
    for (const auto& model : one.models)
      shown += "      - " + yaml_scalar(model) + "\n";
    if (one.kind == provider_config::api::offline)
      continue; // it has nothing else
    if (!one.base_url.empty())
      line("base_url", yaml_scalar(one.base_url));
    if (!one.keys.empty())
      shown += "    keys:\n";
    for (const auto& key : one.keys)
      shown += "      - {" + std::string(word_of(key.place)) + ": " + yaml_scalar(key.place.what)
               + ", weight: " + std::to_string(key.weight) + "}\n";
    if (!one.headers.empty())
      shown += "    headers:\n";
    for (const auto& [name, value] : one.headers)
      line(yaml_scalar(name), hide_headers ? "\"(hidden)\"" : yaml_scalar(value), "      ");
    const auto& times = one.timeouts;
    line("timeouts", "{connect: " + format_duration(times.connect)
                         + ", first: " + format_duration(times.first)
                         + ", between: " + format_duration(times.between)
                         + ", total: " + format_duration(times.total) + "}");
    line("calls_max", std::to_string(one.calls_max));
    if (!one.ca_file.empty())
      line("ca_file", yaml_scalar(one.ca_file.string()));
    if (!one.prices.empty())
      shown += "    prices:\n";
    for (const auto& price : one.prices)
      shown += "      - " + show_price(price) + "\n";
    if (!one.capabilities.empty())
      shown += "    capabilities:\n";
    for (const auto& can : one.capabilities)
      shown += "      - " + show_capabilities(can) + "\n";
    if (!one.simulate.empty())
      shown += "    simulate:\n";
    for (const auto& [name, value] : one.simulate)
      line(yaml_scalar(name), yaml_scalar(value), "      ");
  }
  if (!all.aliases.empty())
    shown += "aliases:\n";
  for (const auto& [alias, target] : all.aliases)
    line(alias, yaml_scalar(target), "  ");
  return shown + show_routes(all.routes);
}

std::vector<described_key> describe_providers() {
  std::vector<described_key> all{
      {"providers.NAME.kind", "openai, anthropic, offline, simulated", "",
       "the API it speaks; in a file only"},
      {"providers.NAME.base_url", "http(s)://HOST:PORT/PATH", "the API's own",
       "where it is; /chat/completions and the like are appended"},
      {"providers.NAME.api_key_env", "name of a variable", "", "that holds the key"},
      {"providers.NAME.api_key_file", "path", "",
       "of a file with the key and nothing else; read "
       "again when it changes"},
      {"providers.NAME.api_key", "text", "", "the key; only in a file that nobody else can read"},
      {"providers.NAME.keys", "list of {api_key_env | api_key_file | api_key, weight}", "",
       "several keys, used in turn by weight"},
      {"providers.NAME.headers", "NAME: VALUE", "", "further headers of each call"},
      {"providers.NAME.models", "list of names", "",
       "the models it has; empty: any name is passed on"},
      {"providers.NAME.timeouts", "{connect, first, between, total}", "{5s, 60s, 30s, 10min}",
       "for the connection, until the first piece, between pieces, for the call"},
      {"providers.NAME.calls_max", "whole number from 1 to 10000", "10",
       "calls at once, of one node; others wait"},
      {"providers.NAME.ca_file", "path", "", "certificates (PEM) to trust instead of the system's"},
      {"providers.NAME.prices", "list of {model, input, output, ...}", "",
       "dollars for a million tokens, before those of the program (config/prices.yaml)"},
      {"providers.NAME.capabilities", "list of {model, tier, context, tools, ...}", "",
       "what its models can do, for routes; before those of the program "
       "(config/capabilities.yaml)"},
      {"providers.NAME.simulate", "{latency, output_tokens, fault, ...}", "",
       "of kind simulated: how it answers, as the rules of `troupe simulate`"},
      {"aliases.NAME", "PROVIDER/MODEL", "", "another name of a model; in a file only"},
  };
  for (const auto& one : describe_routes())
    all.push_back(one);
  return all;
}

} // namespace troupe
