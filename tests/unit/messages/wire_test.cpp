#include "config/limits/links.hpp"
#include "config/limits/messages.hpp"
#include "messages/agents.pb.h"
#include "messages/wire.hpp"

#include "messages/frame_reader.hpp"

#include <gtest/gtest.h>

#include <random>

namespace troupe {

namespace {

envelope sample() {
  Echo echo;
  echo.set_bytes("hello");
  auto message = make_envelope(message_kind::request, address::of_agent(name{"echo/1"}), echo);
  message.attempt = 3;
  message.id = {session_id{7}, 9};
  message.trace = {{1, 2}, {3}, 1};
  message.remaining = std::chrono::milliseconds{1234};
  return message;
}

byte_slice record_of(const envelope& message, const wire_routes& routes) {
  std::string bytes;
  message.body.append_to(bytes);
  std::vector<char> out;
  append_envelope(out, message, routes, bytes);
  return byte_slice::copy_of({out.data(), out.size()});
}

std::vector<std::pair<frame_kind, std::string>> frames_of(std::string_view stream, std::size_t step,
                                                          result<void>& last) {
  std::vector<std::pair<frame_kind, std::string>> found;
  frame_reader reader;
  for (std::size_t at = 0; at < stream.size(); at += step) {
    last = reader.feed(stream.substr(at, step), [&](frame_kind kind, byte_slice body) {
      found.emplace_back(kind, body.view());
      return true;
    });
    if (!last)
      break;
    EXPECT_TRUE(reader.invariants()) << "after " << at + step << " bytes";
  }
  return found;
}

std::string stream_of(const std::vector<std::pair<frame_kind, std::string>>& frames) {
  std::vector<char> out(link_preface.begin(), link_preface.end());
  for (const auto& [kind, body] : frames)
    EXPECT_TRUE(append_frame(out, kind, body));
  return {out.begin(), out.end()};
}

} // namespace

TEST(wire, a_cancel_survives_the_round_trip_and_a_kind_beyond_it_is_named) {
  auto order = make_cancel({{7}, 9}, {}, {});
  auto bytes = record_of(order, {11, 12, 0});
  std::size_t offset = 0;
  auto read = read_record(bytes, offset);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->message.kind, message_kind::cancel);
  EXPECT_EQ(read->message.id, order.id);
  EXPECT_TRUE(read->message.body.empty());
  order.kind = static_cast<message_kind>(static_cast<int>(message_kind::cancel) + 1);
  offset = 0;
  auto strange = read_record(record_of(order, {11, 12, 0}), offset);
  ASSERT_TRUE(strange) << "a message of a newer version does not end the link";
  EXPECT_EQ(strange->unknown, "messages of the sort 6");
}

TEST(wire, an_envelope_survives_the_round_trip) {
  auto bytes = record_of(sample(), {11, 12, 13});
  std::size_t offset = 0;
  auto read = read_record(bytes, offset);
  ASSERT_TRUE(read);
  EXPECT_EQ(offset, bytes.size());
  auto& message = read->message;
  EXPECT_EQ(message.kind, message_kind::request);
  EXPECT_EQ(message.attempt, 3);
  EXPECT_EQ(message.id, (message_id{session_id{7}, 9}));
  EXPECT_EQ(message.trace.trace, (trace_id{1, 2}));
  EXPECT_EQ(message.trace.span.value, 3u);
  EXPECT_TRUE(message.trace.sampled());
  EXPECT_EQ(message.remaining.count(), 1234);
  EXPECT_EQ(read->routes.target, 11u);
  EXPECT_EQ(read->routes.sender, 12u);
  EXPECT_EQ(read->routes.tenant, 13u);
  ASSERT_NE(message.body.as<Echo>(), nullptr);
  EXPECT_EQ(message.body.as<Echo>()->bytes(), "hello");
}

TEST(wire, a_route_survives_the_round_trip) {
  std::vector<char> out;
  append_route(out, 5, address::of_agent(name{"librarian/ada"}, {8, 9}));
  append_reset(out);
  auto bytes = byte_slice::copy_of({out.data(), out.size()});
  std::size_t offset = 0;
  auto route = read_record(bytes, offset);
  ASSERT_TRUE(route);
  EXPECT_EQ(route->what, wire_record::type::route);
  EXPECT_EQ(route->announced, 5u);
  EXPECT_EQ(route->place, address::of_agent(name{"librarian/ada"}, {8, 9}));
  auto reset = read_record(bytes, offset);
  ASSERT_TRUE(reset);
  EXPECT_EQ(reset->what, wire_record::type::reset);
  EXPECT_EQ(offset, bytes.size());
}

TEST(wire, records_are_written_as_they_are_drawn) {
  std::vector<char> out;
  append_route(out, 1, address::of_agent(name{"echo/1"}));
  const std::string a("\x01\x01\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x06\0"
                      "echo/1",
                      39);
  EXPECT_EQ(std::string(out.begin(), out.end()), a);
  out.clear();
  envelope request;
  request.kind = message_kind::request;
  request.id = {session_id{7}, 9};
  request.remaining = std::chrono::milliseconds{1'234};
  Echo echo;
  echo.set_bytes("hi");
  request.body = payload::of(std::move(echo));
  std::string body;
  request.body.append_to(body);
  append_envelope(out, request, {1, 0, 0}, body);
  const std::string b(
      "\0\x01\x04\0\x01\0\x03\0\x04\0\0\0\x01\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x09\0\0\0"
      "\0\0\0\0\xd2\x04\0\0\x0a\x02hi",
      44);
  EXPECT_EQ(std::string(out.begin(), out.end()), b);
  out.clear();
  append_reset(out);
  EXPECT_EQ(out, std::vector<char>{2});
}

TEST(wire, a_chunk_survives_the_round_trip_and_is_refused_when_cut) {
  std::vector<char> out;
  append_chunk_head(out, 7, 100'000);
  out.insert(out.end(), {'a', 'b'});
  std::string_view bytes{out.data(), out.size()};
  auto chunk = read_chunk(bytes);
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->stream, 7u);
  EXPECT_EQ(chunk->total, 100'000u);
  EXPECT_EQ(chunk->bytes, "ab");
  for (std::size_t size = 0; size < chunk_head_bytes; ++size)
    EXPECT_FALSE(read_chunk(bytes.substr(0, size))) << size;
}

TEST(wire, the_age_of_a_repetition_travels) {
  auto message = sample();
  message.age_ms = 77'000;
  auto bytes = record_of(message, {1, 2, 3});
  std::size_t offset = 0;
  auto read = read_record(bytes, offset);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->message.age_ms, 77'000u);
  EXPECT_EQ(read->message.body.as<Echo>()->bytes(), "hello");
}

TEST(wire, what_a_newer_version_says_is_named_and_does_not_end_the_stream) {
  auto record = record_of(sample(), {1, 2, 3});
  auto changed = [&](std::size_t at, char byte) {
    std::string bytes{record.view()};
    bytes[at] = byte;
    std::size_t offset = 0;
    auto read = read_record(byte_slice::copy_of(bytes), offset);
    EXPECT_EQ(offset, bytes.size());
    return read ? std::move(*read) : wire_record{};
  };
  EXPECT_EQ(changed(1, 0x29).unknown, "messages of the sort 9");
  EXPECT_EQ(changed(6, '\x8f').unknown, "messages of kind 143");
  auto marked = changed(1, '\xf1');
  EXPECT_EQ(marked.unknown, "");
  EXPECT_EQ(marked.message.kind, message_kind::request);

  std::vector<char> out;
  append_route(out, 1, address::of(service::desk));
  out[5] = 9;
  auto place = byte_slice::copy_of({out.data(), out.size()});
  std::size_t offset = 0;
  auto read = read_record(place, offset);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->unknown, "places of kind 9");
  EXPECT_TRUE(read->place.empty());
  out[5] = static_cast<char>(address::kind::service);
  out[6] = 99;
  offset = 0;
  read = read_record(byte_slice::copy_of({out.data(), out.size()}), offset);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->unknown, "a service 99");
}

TEST(wire, fields_of_unknown_length_are_refused) {
  std::string bytes{record_of(sample(), {1, 2, 3}).view()};
  bytes[2] = static_cast<char>(bytes[2] | 0x40);
  std::size_t offset = 0;
  EXPECT_FALSE(read_record(byte_slice::copy_of(bytes), offset));
}

TEST(wire, a_record_cut_anywhere_is_refused) {
  auto whole = record_of(sample(), {1, 2, 3});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::size_t offset = 0;
    EXPECT_FALSE(read_record(whole.part(0, size), offset)) << size;
    EXPECT_EQ(offset, 0u);
  }
}

TEST(wire, random_records_never_crash) {
  std::mt19937 random{42};
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 80, '\0');
    for (auto& c : bytes)
      c = static_cast<char>(random());
    auto body = byte_slice::copy_of(bytes);
    for (std::size_t offset = 0; offset < body.size();)
      if (!read_record(body, offset))
        break;
  }
}

TEST(frame, frames_are_found_however_the_stream_is_cut) {
  std::vector<std::pair<frame_kind, std::string>> sent{
      {frame_kind::hello, "a"},
      {frame_kind::ping, ""},
      {frame_kind::envelopes, std::string(5000, 'x')}};
  auto stream = stream_of(sent);
  for (std::size_t step : {1, 2, 7, 13, 64, 4096, 100'000}) {
    result<void> last;
    EXPECT_EQ(frames_of(stream, step, last), sent) << "in steps of " << step;
    EXPECT_TRUE(last);
  }
}

TEST(frame, a_wrong_preface_is_refused_at_its_first_wrong_byte) {
  frame_reader reader;
  EXPECT_FALSE(reader.feed("GET /", [](frame_kind, byte_slice) { return true; }));
}

TEST(frame, four_gibibytes_are_refused_by_the_header_alone) {
  std::string stream{link_preface};
  stream += std::string("\xff\xff\xff\xff\x08\0\0\0\0\0\0\0", 12);
  result<void> last;
  EXPECT_TRUE(frames_of(stream, stream.size(), last).empty());
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ec::bad_message);
  EXPECT_NE(last.error().message.find("4294967295"), std::string::npos);
}

TEST(frame, every_flipped_bit_is_noticed) {
  auto stream = stream_of({{frame_kind::envelopes, "some bytes that matter"}});
  for (std::size_t bit = link_preface.size() * 8; bit < stream.size() * 8; ++bit) {
    auto damaged = stream;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    result<void> last;
    EXPECT_TRUE(frames_of(damaged, damaged.size(), last).empty()) << "bit " << bit;
  }
}

TEST(frame, one_that_is_too_long_is_an_error_and_not_appended) {
  std::vector<char> out;
  std::string body(limits::frame_body_bytes_max + 1, 'x');
  auto done = append_frame(out, frame_kind::hello, body);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ec::too_large);
  EXPECT_TRUE(out.empty());
  frame_seal seal{{}};
  EXPECT_FALSE(append_sealed(out, frame_kind::welcome, body, seal));
  EXPECT_TRUE(out.empty());
  body.pop_back();
  EXPECT_TRUE(append_frame(out, frame_kind::hello, body));
}

TEST(frame_seal, tags_are_those_of_gmac) {
  // AES-256-GCM over "header and body" as additional data, nonces 0 and 1 (little-endian in the
  // first eight bytes), computed by hand from FIPS 197 and SP 800-38D.
  frame_key key;
  for (std::size_t i = 0; i < key.size(); ++i)
    key[i] = static_cast<unsigned char>(i);
  frame_seal sender{key}, receiver{key};
  auto first = sender.next("header and body");
  auto second = sender.next("header and body");
  const frame_seal::tag expected_first = {0xbd, 0xa9, 0xb5, 0xa0, 0xa3, 0x6e, 0x1e, 0x57,
                                          0xae, 0x56, 0x5d, 0xc9, 0xbf, 0x8f, 0x0e, 0x16};
  const frame_seal::tag expected_second = {0xa0, 0xc3, 0x94, 0x4e, 0x41, 0x3c, 0xf7, 0xf2,
                                           0x5e, 0x72, 0x41, 0xc9, 0xa6, 0x36, 0x52, 0x1e};
  EXPECT_EQ(first, expected_first);
  EXPECT_EQ(second, expected_second);
  auto text = [](const frame_seal::tag& tag) {
    return std::string_view{reinterpret_cast<const char*>(tag.data()), tag.size()};
  };
  EXPECT_TRUE(receiver.matches_next("header and body", text(first)));
  EXPECT_FALSE(receiver.matches_next("header and body", text(first))) << "repeated";
  EXPECT_FALSE(frame_seal{key}.matches_next("header and bodY", text(first)));
  EXPECT_FALSE(frame_seal{key}.matches_next("header and body", text(first).substr(0, 15)));
}

TEST(name, agent_names_are_checked) {
  EXPECT_TRUE(parse_agent_name("librarian/ada"));
  EXPECT_EQ(role_of(*parse_agent_name("librarian/ada/b#c")), "librarian");
  EXPECT_EQ(role_of(pool_slot("reader", 3)), "reader");
  for (auto wrong : {"librarian", "librarian/", "/ada", "Librarian/ada", "a b/c", "a/\n", ""})
    EXPECT_FALSE(parse_agent_name(wrong)) << wrong;
  EXPECT_FALSE(parse_agent_name("a/" + std::string(limits::agent_name_bytes_max, 'x')));
}

TEST(ids, hex_is_read_back) {
  trace_id id{0x0123456789abcdefULL, 0xfedcba9876543210ULL};
  EXPECT_EQ(to_string(id), "0123456789abcdeffedcba9876543210");
  EXPECT_EQ(parse_id128<trace_id>(to_string(id)), id);
  EXPECT_FALSE(parse_id128<trace_id>("0123"));
  EXPECT_FALSE(parse_id128<trace_id>("0123456789abcdeffedcba987654321g"));
  EXPECT_EQ(node_from_bytes(to_bytes(node_id{5, 6})), (node_id{5, 6}));
}

TEST(payload, damaged_bytes_are_no_message) {
  auto body = payload::from_wire(payload_kind::Echo, byte_slice::copy_of("\xff\xff\xff"));
  EXPECT_EQ(body.as<Echo>(), nullptr);
  EXPECT_EQ(body.as<AgentMessage>(), nullptr) << "another kind";
}

TEST(errors, every_code_has_a_name_of_its_own) {
  std::vector<std::string_view> names;
  for (std::uint32_t i = 0; to_error_code(i); ++i)
    names.push_back(to_string(*to_error_code(i)));
  ASSERT_GE(names.size(), 17u);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
}

} // namespace troupe
