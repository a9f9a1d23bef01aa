#include "config/limits/messages.hpp"
#include "messages/agents.pb.h"
#include "messages/wire.hpp"

#include "messages/frame.hpp"

#include <gtest/gtest.h>

#include <random>

namespace troupe {

namespace {

envelope sample() {
  Echo echo;
  echo.set_bytes("hello");
  auto message = make_envelope(message_kind::request, address::of_agent(name{"echo/1"}), echo);
  message.priority = priority::high;
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
  }
  return found;
}

std::string stream_of(const std::vector<std::pair<frame_kind, std::string>>& frames) {
  std::vector<char> out(link_preface.begin(), link_preface.end());
  for (const auto& [kind, body] : frames)
    append_frame(out, kind, body);
  return {out.begin(), out.end()};
}

} // namespace

TEST(wire, a_cancel_survives_the_round_trip_and_a_kind_beyond_it_does_not) {
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
  EXPECT_FALSE(read_record(record_of(order, {11, 12, 0}), offset));
}

TEST(wire, an_envelope_survives_the_round_trip) {
  auto bytes = record_of(sample(), {11, 12, 13});
  std::size_t offset = 0;
  auto read = read_record(bytes, offset);
  ASSERT_TRUE(read);
  EXPECT_EQ(offset, bytes.size());
  auto& message = read->message;
  EXPECT_EQ(message.kind, message_kind::request);
  EXPECT_EQ(message.priority, priority::high);
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
