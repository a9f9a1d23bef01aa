#include "actors/agents/agent_span.hpp"

namespace troupe {

std::optional<SpanData> begin_agent_span(step_context& context, const RoleInfo& info,
                                         const address& self, const envelope& request) {
  if (!request.trace.sampled())
    return std::nullopt;
  auto span =
      begin_span(span_names::agent, info.name(), request.trace, context.next_span(), context.now);
  set(span, attr::operation, "invoke_agent");
  set(span, attr::provider, "troupe"); // until a model has answered
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

} // namespace troupe
