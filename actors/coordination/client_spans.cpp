#include "actors/coordination/client_spans.hpp"

#include "config/limits/telemetry.hpp"

#include <algorithm>

namespace troupe {

void take_client_spans(step_context& context, SpansMade& made) {
  constexpr const char* client_service = "troupe-cli";
  if (made.ByteSizeLong() > limits::spans_made_bytes_max)
    return;
  auto count = std::min(made.spans_size(), limits::spans_made_max);
  for (int i = 0; i < count; ++i) {
    auto& span = *made.mutable_spans(i);
    if ((span.trace_hi() | span.trace_lo()) == 0 || span.span() == 0)
      continue;
    span.set_service(client_service);
    span.set_node_name(client_service);
    span.clear_node();
    set_end(span, instant{std::chrono::nanoseconds{span.end_ns()}});
    context.out.spans.push_back(std::move(span));
  }
}

} // namespace troupe
