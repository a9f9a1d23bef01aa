#pragma once

#include "telemetry/span.hpp"

namespace troupe::bench {

/// A span of usual size: that of a model's call.
inline SpanData usual_span(std::uint64_t id) {
  auto span = begin_span(span_names::chat, "offline", {{1, id / 100 + 1}, {id | 1}, 1}, {id + 1},
                         instant{std::chrono::nanoseconds{id}});
  set(span, attr::operation, "chat");
  set(span, attr::provider, "offline");
  set(span, attr::request_model, "offline");
  set(span, attr::agent_name, "reader");
  set(span, attr::purpose, "summary");
  set(span, attr::input_tokens, 900);
  set(span, attr::output_tokens, 70);
  set_list(span, attr::finish_reasons, "stop");
  set_end(span, instant{std::chrono::nanoseconds{id + 1'000}});
  return span;
}

} // namespace troupe::bench
