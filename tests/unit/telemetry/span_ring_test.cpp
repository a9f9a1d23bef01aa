#include "messages/spans.pb.h"
#include "telemetry/span_ring.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace troupe {
namespace {

shared_span ring_span(std::uint64_t trace, std::uint64_t id, std::uint64_t parent = 1,
                      std::int64_t start = 0) {
  SpanData span;
  span.set_trace_lo(trace);
  span.set_span(id);
  span.set_parent(parent);
  span.set_start_ns(start);
  return pack(span);
}

std::uint64_t id_of(const shared_span& span) {
  SpanData read;
  return read.ParseFromString(span->bytes) ? read.span() : 0;
}

std::vector<std::uint64_t> ids(const std::vector<shared_span>& spans) {
  std::vector<std::uint64_t> found;
  for (const auto& span : spans)
    found.push_back(id_of(span));
  return found;
}

TEST(span_ring, finds_the_spans_of_a_trace_in_their_order) {
  span_ring ring{10};
  for (std::uint64_t id = 1; id <= 6; ++id)
    EXPECT_FALSE(ring.add(ring_span(id % 2, id)));
  EXPECT_EQ(ids(ring.spans_of({0, 1})), (std::vector<std::uint64_t>{1, 3, 5}));
  EXPECT_EQ(ids(ring.spans_of({0, 0})), (std::vector<std::uint64_t>{2, 4, 6}));
  EXPECT_TRUE(ring.spans_of({0, 2}).empty());
}

TEST(span_ring, gives_back_the_oldest_when_it_is_full) {
  span_ring ring{2};
  EXPECT_FALSE(ring.add(ring_span(1, 1)));
  EXPECT_FALSE(ring.add(ring_span(1, 2)));
  EXPECT_EQ(id_of(ring.add(ring_span(1, 3))), 1u);
  EXPECT_EQ(ids(ring.spans_of({0, 1})), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(ring.size(), 2u);
}

TEST(span_ring, of_no_size_keeps_nothing) {
  span_ring ring{0};
  EXPECT_EQ(id_of(ring.add(ring_span(1, 1))), 1u);
  EXPECT_TRUE(ring.spans_of({0, 1}).empty());
  EXPECT_FALSE(ring.last_trace());
}

TEST(span_ring, answers_as_a_plain_list_does) {
  constexpr std::size_t kept_max = 7;
  std::mt19937_64 random{42};
  span_ring ring{kept_max};
  std::deque<shared_span> model;
  for (std::uint64_t id = 1; id <= 5'000; ++id) {
    auto span = ring_span(random() % 4, id);
    model.push_back(span);
    auto gone = ring.add(span);
    if (model.size() > kept_max) {
      ASSERT_EQ(gone, model.front());
      model.pop_front();
    }
    for (std::uint64_t trace = 0; trace < 4; ++trace) {
      std::vector<shared_span> expected;
      for (const auto& kept : model)
        if (kept->trace.lo == trace)
          expected.push_back(kept);
      ASSERT_EQ(ids(ring.spans_of({0, trace})), ids(expected)) << "after span " << id;
    }
  }
}

TEST(span_ring, names_the_trace_whose_root_began_last) {
  span_ring ring{3};
  EXPECT_FALSE(ring.last_trace());
  (void)ring.add(ring_span(1, 1, 0, 200));
  (void)ring.add(ring_span(2, 2, 0, 100)); // ended later, began earlier
  (void)ring.add(ring_span(3, 3, 1, 300)); // not a root
  EXPECT_EQ(ring.last_trace(), (trace_id{0, 1}));
  (void)ring.add(ring_span(4, 4, 1, 400)); // the root of trace 1 is gone
  EXPECT_EQ(ring.last_trace(), (trace_id{0, 2}));
}

TEST(span_ring, prefers_of_two_roots_at_once_the_one_added_last) {
  span_ring ring{3};
  for (std::uint64_t trace = 1; trace <= 7; ++trace) {
    (void)ring.add(ring_span(trace, trace, 0, 100));
    EXPECT_EQ(ring.last_trace(), (trace_id{0, trace}));
  }
}

} // namespace
} // namespace troupe
