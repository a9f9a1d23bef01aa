#include "actors/agents/reply_check.hpp"

#include "config/base/utf8.hpp"
#include "config/limits/links.hpp"
#include "messages/value_check.hpp"

namespace troupe {

result<void> check_reply(const AgentReply& reply, std::string_view what) {
  std::string called{what};
  if (!is_utf8(reply.text()))
    return check_text(reply.text(), called + ", field \"text\"");
  if (reply.has_output() && !check_value(reply.output(), {}))
    return check_value(reply.output(), called + ", its output");
  auto bytes = reply.ByteSizeLong();
  if (bytes > limits::content_bytes_max)
    return fail(ec::too_large, called + ": its output is " + std::to_string(bytes)
                                   + " bytes, more than the "
                                   + std::to_string(limits::content_bytes_max)
                                   + " that a message carries: pass it as a blob");
  return {};
}

} // namespace troupe
