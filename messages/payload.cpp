#include "messages/payload.hpp"

#include "config/limits/messages.hpp"

#include <google/protobuf/io/coded_stream.h>

namespace troupe {

bool parse_message(google::protobuf::Message& into, std::string_view bytes) {
  auto size = static_cast<int>(bytes.size());
  if (into.ParseFromArray(bytes.data(), size))
    return true;
  // Protobuf's array parser is faster, but it refuses a hundred levels, of two bytes at least.
  constexpr int bytes_of_too_many_levels = 200;
  if (size < bytes_of_too_many_levels)
    return false;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                            size);
  in.SetRecursionLimit(limits::message_depth_max);
  return into.ParseFromCodedStream(&in) && in.ConsumedEntireMessage();
}

bool is_known(payload_kind kind) noexcept {
  return kind == payload_kind::none || to_string(kind) != "none";
}

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
