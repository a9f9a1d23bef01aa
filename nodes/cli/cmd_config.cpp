#include "nodes/cli/commands.hpp"
#include "nodes/cli/exit_codes.hpp"
#include "nodes/cli/load_settings.hpp"

namespace troupe::cli {

cli_result<node_config> load_settings(const std::string& file, const settings& set) {
  config_sources sources;
  sources.file = file;
  sources.environment = troupe_environment();
  sources.flags = set;
  auto loaded = load_config(sources);
  if (!loaded)
    return unexpected{cli_error{exit_config, "config", to_string(loaded.error())}};
  return std::move(*loaded);
}

int cmd_config_show(const config_command& wanted) {
  if (wanted.keys) {
    print(describe_config());
    return exit_ok;
  }
  auto cfg = load_settings(wanted.config, wanted.set);
  if (!cfg)
    return report(cfg.error());
  print(show_config(*cfg));
  return exit_ok;
}

int cmd_config_check(const config_command& wanted) {
  auto cfg = load_settings(wanted.config, wanted.set);
  if (!cfg)
    return report(cfg.error());
  print((wanted.config.empty() ? "the configuration" : wanted.config) + " is valid\n");
  return exit_ok;
}

} // namespace troupe::cli
