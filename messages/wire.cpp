#include "messages/wire.hpp"

#include "config/limits/links.hpp"
#include "config/limits/messages.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace troupe {

namespace {

constexpr std::uint8_t has_trace = 1;
constexpr std::uint8_t has_tenant = 2;
constexpr std::uint8_t has_remaining = 4;
constexpr std::uint8_t has_stream = 8;
constexpr std::uint8_t has_age = 16;
constexpr std::uint8_t known_fields = 31;

/// Writes integers into space that was reserved before.
class writer {
public:
  explicit writer(char* at) : at_(at) {}

  template <class T>
  void put(T value) {
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
  }
  void put_bytes(std::string_view bytes) {
    if (!bytes.empty())
      std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }

private:
  char* at_;
};

/// Reads integers. Once the bytes run out, it returns zeros and `ok` is false.
class reader {
public:
  reader(std::string_view bytes, std::size_t at) : bytes_(bytes), at_(at) {}

  template <class T>
  T get() {
    T value{};
    if (bytes_.size() - at_ < sizeof value) {
      ok = false;
      at_ = bytes_.size();
      return value;
    }
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

  /// Skips `size` bytes and returns where they began.
  std::size_t skip(std::size_t size) {
    auto begin = at_;
    if (bytes_.size() - at_ < size) {
      ok = false;
      size = bytes_.size() - at_;
    }
    at_ += size;
    return begin;
  }

  std::size_t at() const noexcept { return at_; }

  bool ok = true;

private:
  std::string_view bytes_;
  std::size_t at_;
};

result<void> read_envelope(reader& in, const byte_slice& body, wire_record& record) {
  auto& message = record.message;
  auto kind = in.get<std::uint8_t>();
  auto fields = in.get<std::uint8_t>();
  message.trace.flags = in.get<std::uint8_t>();
  message.attempt = in.get<std::uint16_t>();
  auto payload_number = in.get<std::uint16_t>();
  record.payload_bytes = in.get<std::uint32_t>();
  record.routes.target = in.get<route_id>();
  record.routes.sender = in.get<route_id>();
  message.id.session.value = in.get<std::uint64_t>();
  message.id.sequence = in.get<std::uint64_t>();
  if (fields & has_trace) {
    message.trace.trace.hi = in.get<std::uint64_t>();
    message.trace.trace.lo = in.get<std::uint64_t>();
    message.trace.span.value = in.get<std::uint64_t>();
  }
  if (fields & has_tenant)
    record.routes.tenant = in.get<route_id>();
  if (fields & has_remaining)
    message.remaining = std::chrono::milliseconds{in.get<std::uint32_t>()};
  if (fields & has_stream)
    record.stream = in.get<std::uint32_t>();
  if (fields & has_age)
    message.age_ms = in.get<std::uint32_t>();
  if ((fields & ~known_fields) != 0) // how long they are is not known either
    return fail(ec::bad_message, "a message with fields that this version does not know");
  auto sort = kind & 0x0f;
  if (sort > static_cast<std::uint8_t>(message_kind::cancel)) {
    record.unknown = "messages of the sort " + std::to_string(sort);
    sort = static_cast<std::uint8_t>(message_kind::request); // so that its sender is told
  }
  message.kind = static_cast<message_kind>(sort);
  if (!is_known(static_cast<payload_kind>(payload_number)))
    record.unknown = "messages of kind " + std::to_string(payload_number);
  auto size = record.stream != 0 ? 0 : record.payload_bytes;
  auto begin = in.skip(size);
  if (in.ok)
    message.body = payload::from_wire(static_cast<payload_kind>(payload_number),
                                      size == 0 ? byte_slice{} : body.part(begin, size));
  return {};
}

result<void> read_route(reader& in, const byte_slice& body, wire_record& record) {
  record.announced = in.get<route_id>();
  auto kind = in.get<std::uint8_t>();
  auto svc = in.get<std::uint8_t>();
  record.place.node.hi = in.get<std::uint64_t>();
  record.place.node.lo = in.get<std::uint64_t>();
  record.place.session.value = in.get<std::uint64_t>();
  auto size = in.get<std::uint16_t>();
  auto begin = in.skip(size);
  if (size > limits::agent_name_bytes_max || record.announced == 0
      || record.announced > limits::link_routes_max)
    return fail(ec::bad_message, "a route that makes no sense");
  if (kind > static_cast<std::uint8_t>(address::kind::session))
    record.unknown = "places of kind " + std::to_string(kind);
  else if (svc >= service_count)
    record.unknown = "a service " + std::to_string(svc);
  if (!record.unknown.empty()) {
    record.place = {};
    return {};
  }
  record.place.what = static_cast<address::kind>(kind);
  record.place.svc = static_cast<service>(svc);
  if (in.ok && size > 0)
    record.place.agent = name{body.view().substr(begin, size)};
  return {};
}

} // namespace

void append_envelope(std::vector<char>& out, const envelope& message, const wire_routes& routes,
                     std::string_view payload_bytes, std::uint32_t stream) {
  std::uint8_t fields = 0;
  std::size_t size = 36;
  auto add = [&](bool present, std::uint8_t flag, std::size_t bytes) {
    if (present) {
      fields |= flag;
      size += bytes;
    }
  };
  add(bool{message.trace.trace}, has_trace, 24);
  add(routes.tenant != 0, has_tenant, 4);
  add(message.remaining.count() > 0, has_remaining, 4);
  add(stream != 0, has_stream, 4);
  add(message.age_ms != 0, has_age, 4);
  auto inline_bytes = stream != 0 ? std::string_view{} : payload_bytes;
  auto begin = out.size();
  out.resize(begin + size + inline_bytes.size());
  writer to{out.data() + begin};
  to.put<std::uint8_t>(0);
  to.put(static_cast<std::uint8_t>(message.kind));
  to.put(fields);
  to.put(static_cast<std::uint8_t>(message.trace.flags & ~unsigned{trace_context::flag_remote}));
  to.put(message.attempt);
  to.put(static_cast<std::uint16_t>(message.body.kind()));
  to.put(static_cast<std::uint32_t>(payload_bytes.size()));
  to.put(routes.target);
  to.put(routes.sender);
  to.put(message.id.session.value);
  to.put(message.id.sequence);
  if (fields & has_trace) {
    to.put(message.trace.trace.hi);
    to.put(message.trace.trace.lo);
    to.put(message.trace.span.value);
  }
  if (fields & has_tenant)
    to.put(routes.tenant);
  if (fields & has_remaining)
    to.put(static_cast<std::uint32_t>(
        std::min<std::chrono::milliseconds::rep>(message.remaining.count(), 0xffff'ffff)));
  if (fields & has_stream)
    to.put(stream);
  if (fields & has_age)
    to.put(message.age_ms);
  to.put_bytes(inline_bytes);
}

void append_route(std::vector<char>& out, route_id id, const address& a) {
  auto text = a.agent.text();
  auto begin = out.size();
  out.resize(begin + 33 + text.size());
  writer to{out.data() + begin};
  to.put<std::uint8_t>(1);
  to.put(id);
  to.put(static_cast<std::uint8_t>(a.what));
  to.put(static_cast<std::uint8_t>(a.svc));
  to.put(a.node.hi);
  to.put(a.node.lo);
  to.put(a.session.value);
  to.put(static_cast<std::uint16_t>(text.size()));
  to.put_bytes(text);
}

void append_reset(std::vector<char>& out) { out.push_back(2); }

void append_chunk_head(std::vector<char>& out, std::uint32_t stream, std::size_t total) {
  auto begin = out.size();
  out.resize(begin + chunk_head_bytes);
  writer to{out.data() + begin};
  to.put(stream);
  to.put(static_cast<std::uint32_t>(total));
}

result<wire_chunk> read_chunk(std::string_view body) {
  reader in{body, 0};
  wire_chunk chunk;
  chunk.stream = in.get<std::uint32_t>();
  chunk.total = in.get<std::uint32_t>();
  if (!in.ok || chunk.stream == 0)
    return fail(ec::bad_message, "a chunk without a number or the length of the whole");
  chunk.bytes = body.substr(chunk_head_bytes);
  return chunk;
}

result<wire_record> read_record(const byte_slice& body, std::size_t& offset) {
  reader in{body.view(), offset};
  wire_record record;
  auto type = in.get<std::uint8_t>();
  if (type > 2)
    return fail(ec::bad_message, "a record of an unknown type");
  record.what = static_cast<wire_record::type>(type);
  result<void> read;
  if (record.what == wire_record::type::envelope)
    read = read_envelope(in, body, record);
  else if (record.what == wire_record::type::route)
    read = read_route(in, body, record);
  if (!in.ok)
    return fail(ec::bad_message, "a record that ends too soon");
  if (!read)
    return unexpected{read.error()};
  offset = in.at();
  return record;
}

} // namespace troupe
