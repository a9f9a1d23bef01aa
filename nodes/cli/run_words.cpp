#include "nodes/cli/run_words.hpp"

#include "config/base/count_of.hpp"
#include "messages/durability.hpp"
#include "messages/envelope.hpp"
#include "telemetry/shell_word.hpp"
#include "telemetry/text_escape.hpp"

namespace troupe::cli {

std::string accepted_text(const RunAccepted& accepted, const std::string& node_name) {
  auto text = "run " + to_string(run_from_bytes(accepted.run())) + " on " + one_line(node_name);
  if (is_durable(accepted.durability()))
    text += ", durable (" + std::string{to_string(accepted.durability())}
            + (accepted.durability() == DURABILITY_ASYNC ? ": all but the last 100 ms of work" : "")
            + ")";
  return text;
}

std::string attach_command(run_id run, const cluster_flags& flags) {
  auto text = "troupe runs attach " + to_string(run) + data_hint(flags);
  for (const auto& [flag, value] : {std::pair{"--peer", &flags.peer},
                                    {"--secret-file", &flags.secret_file},
                                    {"--cluster", &flags.cluster}})
    if (!value->empty())
      text += " " + std::string{flag} + " " + shell_word(*value);
  return text;
}

std::string leave_question() {
  return "Cancel the run (c), or leave it running (l or Enter)? Ctrl-C again cancels it: ";
}

std::optional<run_pursuit::person_says> read_answer(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r'))
    line.remove_suffix(1);
  if (line.empty() || line == "l" || line == "L" || line == "leave")
    return run_pursuit::person_says::leave;
  if (line == "c" || line == "C" || line == "cancel")
    return run_pursuit::person_says::cancel;
  return std::nullopt;
}

std::string paid_twice_text(std::uint64_t calls) {
  return calls == 0 ? "" : "possibly paid twice: " + count_of(calls, "call");
}

} // namespace troupe::cli
