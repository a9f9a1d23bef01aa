#include "config/keys.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/load_settings.hpp"
#include "nodes/exit_codes.hpp"
#include "nodes/simulate/simulated_port.hpp"

namespace troupe::cli {

cli_result<node_config> load_settings(const std::string& file, const settings& set) {
  config_sources sources;
  sources.file = file;
  sources.environment = troupe_environment();
  sources.flags = set;
  auto loaded = load_config(sources);
  if (!loaded)
    return unexpected{cli_error{exit_config, "config", to_string(loaded.error())}};
  if (auto wrong = simulated_port::mistake_in(loaded->catalog); !wrong.empty())
    return unexpected{cli_error{exit_config, "config", std::move(wrong)}};
  return std::move(*loaded);
}

namespace {

json value_json(const node_config& cfg, const config_key& key) {
  if (key.kind == key_kind::members) {
    auto members = json::array();
    for (const auto& m : cfg.cluster.members)
      members.push_back({{"id", m.id}, {"name", m.name}, {"address", m.address}});
    return members;
  }
  auto text = key.shown(cfg);
  if (key.kind == key_kind::text)
    return text;
  auto number = json::parse(text, nullptr, false); // "5s" is not a number
  return number.is_discarded() ? json(text) : number;
}

json config_json(const node_config& cfg) {
  auto keys = json::array();
  for (const auto& key : config_keys())
    keys.push_back({{"key", key.name},
                    {"value", value_json(cfg, key)},
                    {"from", origin_of(cfg, key)},
                    {"type", key.type},
                    {"help", key.help}});
  return {{"keys", std::move(keys)}};
}

} // namespace

int cmd_config_show(const config_command& wanted) {
  if (wanted.keys && !wanted.as_json) {
    print(describe_config());
    return exit_ok;
  }
  auto cfg = load_settings(wanted.config, wanted.set);
  if (!cfg)
    return report(cfg.error(), wanted.as_json);
  if (wanted.as_json)
    print_json(config_json(*cfg));
  else
    print(show_config(*cfg, secrets::hidden));
  return exit_ok;
}

int cmd_config_check(const config_command& wanted) {
  auto cfg = load_settings(wanted.config, wanted.set);
  if (!cfg)
    return report(cfg.error(), wanted.as_json);
  if (wanted.as_json)
    print_json({{"valid", true}, {"file", wanted.config}});
  else
    print((wanted.config.empty() ? "the configuration" : wanted.config) + " is valid\n");
  return exit_ok;
}

} // namespace troupe::cli
