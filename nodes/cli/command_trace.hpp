#pragma once

#include "actors/host/node_clock.hpp"
#include "messages/envelope.hpp"
#include "messages/spans.pb.h"
#include "nodes/cli/find_cluster.hpp"
#include "nodes/cli/output.hpp"
#include "telemetry/trace_words.hpp"

#include <string_view>
#include <vector>

namespace troupe::cli {

/// The spans of a command: `troupe run digest`, and below it what the client does itself. They are
/// there also when nothing comes of the command: without them, a `send` that fails leaves no trace.
///
/// The node decides whether the trace is recorded (telemetry.sample_ratio), and its first answer
/// tells. A command that is never answered decides by its own configuration.
///
/// At the end the spans go to the collector that the environment names for this process, and to the
/// node that the client is attached to, which keeps them for `troupe trace` and, if the client
/// could not, exports them. All of that takes at most `client_spans_time_max`, and no error of it
/// is an error of the command.
class command_trace {
public:
  /// `command`: "run digest". `traceparent`: the environment's, or null.
  command_trace(std::string_view command, const char* traceparent);

  trace_id id() const noexcept { return inside_.trace; }

  /// The context of what the command asks for.
  const trace_context& inside() const noexcept { return inside_; }
  SpanData& span() noexcept { return root_; }
  /// What the command is, once that is known: "run digest".
  void called(std::string_view command);

  /// A span below the command's, from its making to its end.
  class part {
  public:
    part(command_trace& of, const span_word& what);
    ~part();
    part(const part&) = delete;
    part& operator=(const part&) = delete;

    trace_context inside() const;
    SpanData& span() noexcept { return span_; }
    void failed(const cli_error& why);

  private:
    command_trace& of_;
    SpanData span_;
  };

  /// A span that somebody else should have made, and now cannot. It ends now.
  void add(SpanData span);
  instant now() const { return clock_.now(); }

  /// A node has answered: it has decided.
  void answered(const trace_context& answer) noexcept;

  /// The command ends. `why`: if it failed. `cluster`: null if nobody let us in.
  void end(int exit_code, const cli_error* why, const attached_client* cluster);

private:
  bool export_all(const attached_client* cluster);
  void hand_over(client& link, bool exported);

  node_clock clock_;
  SpanData root_;
  trace_context inside_;
  std::vector<SpanData> done_;
};

} // namespace troupe::cli
