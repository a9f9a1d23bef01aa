#include "nodes/cli/run_display.hpp"

#include "messages/runs.pb.h"
#include "nodes/cli/run_report.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/text_escape.hpp"

#include <unistd.h>

namespace troupe::cli {

cli_result<std::optional<output_file>> prepare_output(const std::string& path) {
  std::optional<output_file> output;
  if (path.empty())
    return output;
  auto prepared = output_file::prepare(path);
  if (!prepared)
    return unexpected{cli_error{exit_cannot_write, "output", prepared.error().message}};
  output = std::move(*prepared);
  return output;
}

int show_run(const run_outcome& outcome, const run_display& how, trace_id trace,
             const std::optional<output_file>& output) {
  if (outcome.detached) {
    auto run = to_string(run_from_bytes(outcome.accepted.run()));
    how.as_json ? print_json(accepted_json(outcome, trace)) : print_data(run + "\n");
    return exit_ok;
  }
  const auto& ended = outcome.ended;
  auto text = result_text(ended);
  if (output && ended.has_result())
    if (auto written = output->write(text); !written)
      return report({exit_cannot_write, "output", written.error().message}, how.as_json);
  if (how.as_json) {
    auto told = run_json(outcome, trace);
    told.update(how.more);
    print_json(told);
    return outcome.exit_code;
  }
  if (!output)
    print_data(shown_on(terminal_of(STDOUT_FILENO), text));
  auto told = run_summary(outcome);
  if (output && ended.has_result())
    told += "troupe: the result is in " + one_line(how.output) + "\n";
  tell(told);
  return outcome.exit_code;
}

std::optional<cli_error> why_failed(const cli_result<run_outcome>& outcome) {
  if (!outcome)
    return outcome.error();
  if (outcome->exit_code == exit_ok)
    return std::nullopt;
  const auto& why = outcome->ended.failure();
  auto code = outcome->exit_code == exit_timed_out     ? ec::timed_out
              : outcome->exit_code == exit_interrupted ? ec::cancelled
                                                       : from_proto(why).code;
  return cli_error{outcome->exit_code, std::string{to_string(code)}, outcome->why};
}

} // namespace troupe::cli
