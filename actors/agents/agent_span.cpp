#include "actors/agents/agent_span.hpp"

namespace troupe {

std::optional<SpanData> begin_agent_span(step_context& context, const RoleInfo& info,
                                         const address& self, const envelope& request,
                                         instant arrived) {
  if (!request.trace.sampled())
    return std::nullopt;
  auto span =
      begin_span(span_names::agent, info.name(), request.trace, context.next_span(), arrived);
  set(span, attr::operation, "invoke_agent");
  set(span, attr::provider, "troupe"); // until it asks a model
  if (!info.name().empty())
    set(span, attr::agent_name, info.name());
  set(span, attr::agent_id, self.agent.text());
  if (!info.description().empty())
    set(span, attr::agent_description, info.description());
  if (!info.model().empty())
    set(span, attr::request_model, info.model());
  if (auto slash = self.agent.text().find('/'); slash != std::string_view::npos)
    set(span, attr::conversation, self.agent.text().substr(slash + 1));
  if (request.attempt > 1)
    set(span, attr::resend_count, request.attempt - 1);
  return span;
}

void end_span(step_context& context, std::optional<SpanData>& span, const failure& why) {
  if (!span)
    return;
  if (why.code != ec::none)
    set_failed(*span, why);
  context.end(std::move(*span));
  span.reset();
}

void note_started(SpanData& agent, instant at) {
  std::chrono::duration<double, std::milli> waited =
      at.time_since_epoch() - std::chrono::nanoseconds{agent.start_ns()};
  set(agent, attr::agent_wait, waited.count());
  add(agent, event_at(happening::started, at));
}

} // namespace troupe
