#include "messages/payload.hpp"

namespace troupe {

void payload::append_to(std::string& out) const {
  if (message_)
    message_->AppendToString(&out);
  else
    out.append(bytes_.view());
}

std::string_view to_string(payload_kind kind) {
  switch (kind) {
#define TROUPE_NAME(number, type)                                                                  \
  case payload_kind::type:                                                                         \
    return #type;
    TROUPE_PAYLOADS(TROUPE_NAME)
#undef TROUPE_NAME
    case payload_kind::none:
      break;
  }
  return "none";
}

} // namespace troupe
