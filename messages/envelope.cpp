#include "messages/envelope.hpp"

#include "config/base/utf8.hpp"
#include "config/limits/messages.hpp"
#include "messages/values.pb.h"

namespace troupe {

namespace {

std::string bytes_of(std::uint64_t hi, std::uint64_t lo) {
  std::string bytes(16, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(hi >> (56 - 8 * i));
    bytes[i + 8] = static_cast<char>(lo >> (56 - 8 * i));
  }
  return bytes;
}

template <class Id>
Id id_of(std::string_view bytes) {
  Id id;
  if (bytes.size() != 16)
    return id;
  for (std::size_t i = 0; i < 8; ++i) {
    id.hi = id.hi << 8 | static_cast<unsigned char>(bytes[i]);
    id.lo = id.lo << 8 | static_cast<unsigned char>(bytes[i + 8]);
  }
  return id;
}

} // namespace

std::string to_string(const address& a) {
  switch (a.what) {
    case address::kind::none:
      return "nobody";
    case address::kind::service:
      return std::string{to_string(a.svc)};
    case address::kind::agent:
      return std::string{a.agent.text()};
    case address::kind::session:
      return "a client"; // anyone who knows a session's number can take its place
  }
  return "nobody";
}

envelope make_cancel(message_id id, address sender, address target) {
  envelope made;
  made.kind = message_kind::cancel;
  made.id = id;
  made.sender = std::move(sender);
  made.target = std::move(target);
  return made;
}

envelope head_of(const envelope& message) {
  envelope head;
  head.kind = message.kind;
  head.attempt = message.attempt;
  head.age_ms = message.age_ms;
  head.id = message.id;
  head.trace = message.trace;
  head.remaining = message.remaining;
  head.tenant = message.tenant;
  head.sender = message.sender;
  head.target = message.target;
  head.body = payload::from_wire(message.body.kind(), {});
  return head;
}

envelope reply_failure(const envelope& request, const failure& why) {
  return reply_to(request, to_proto(why));
}

bool may_be_refused(const envelope& message) {
  return message.kind == message_kind::request
         || (message.kind == message_kind::event && message.target.what == address::kind::agent);
}

std::optional<failure> failure_in(envelope& reply) {
  if (reply.body.kind() != payload_kind::Failure)
    return std::nullopt;
  auto wire = reply.body.as<Failure>();
  if (!wire)
    return failure{ec::bad_message, "an error that could not be read"};
  return from_proto(*wire);
}

failure from_proto(const Failure& wire) {
  auto code = to_error_code(wire.code());
  return {code && *code != ec::none ? *code : ec::bad_message, wire.message()};
}

Failure to_proto(const failure& why) {
  Failure wire;
  wire.set_code(static_cast<std::uint32_t>(why.code));
  wire.set_message(valid_utf8(utf8_prefix(why.message, limits::failure_bytes_max)));
  return wire;
}

failure why_not_taken(std::string_view who, const envelope& message) {
  auto kind = message.body.kind();
  std::string text{who};
  if (!is_known(kind))
    text += " does not know messages of kind " + std::to_string(static_cast<unsigned>(kind))
            + ": they are of a newer version of troupe";
  else if (message.body.unreadable())
    text += " cannot read this " + std::string{to_string(kind)}
            + ": its bytes are damaged, nested too deeply or not UTF-8";
  else
    text += " takes no " + std::string{to_string(kind)};
  return {ec::bad_message, std::move(text)};
}

std::string to_bytes(node_id id) { return bytes_of(id.hi, id.lo); }
std::string to_bytes(run_id id) { return bytes_of(id.hi, id.lo); }
node_id node_from_bytes(std::string_view bytes) { return id_of<node_id>(bytes); }
run_id run_from_bytes(std::string_view bytes) { return id_of<run_id>(bytes); }

} // namespace troupe
