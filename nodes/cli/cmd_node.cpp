#include "nodes/cli/commands.hpp"
#include "nodes/cli/load_settings.hpp"
#include "nodes/node.hpp"

#include <sys/prctl.h>
#include <sys/stat.h>

namespace troupe::cli {

int cmd_node(const node_command& wanted) {
  // `up` runs /proc/self/exe, and process lists would show "exe".
  ::prctl(PR_SET_NAME, "troupe");
  ::umask(077); // stores and logs are only for this user
  auto cfg = load_settings(wanted.config, wanted.set);
  if (!cfg)
    return report(cfg.error());
  node_options options;
  options.cfg = std::move(*cfg);
  options.ready_fd = wanted.ready_fd;
  options.pulses = wanted.pulses;
  return run_node(options);
}

} // namespace troupe::cli
