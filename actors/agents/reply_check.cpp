#include "actors/agents/reply_check.hpp"

#include "config/limits/links.hpp"
#include "messages/value_check.hpp"

namespace troupe {

result<void> check_reply(const AgentReply& reply, const std::string& what) {
  if (auto fine = check_text(reply.text(), what + ", field \"text\""); !fine)
    return fine;
  if (auto fine = check_value(reply.output(), what + ", its output"); !fine)
    return fine;
  auto bytes = reply.ByteSizeLong();
  if (bytes > limits::content_bytes_max)
    return fail(ec::too_large, what + ": its output is " + std::to_string(bytes)
                                   + " bytes, more than the "
                                   + std::to_string(limits::content_bytes_max)
                                   + " that a message carries: pass it as a blob");
  return {};
}

} // namespace troupe
