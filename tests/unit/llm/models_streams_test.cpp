#include "config/limits/reading_pace.hpp"
#include "tests/unit/llm/models_fixture.hpp"

#include <algorithm>

/// Answers that come faster than their asker takes them.
namespace troupe {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

constexpr auto pieces_max = limits::stream_pieces_max;

class streams_of_models : public models_of_a_node {
protected:
  /// The event brings that many pieces, each with that text.
  static HttpEvent pieces_of(std::uint64_t call, std::uint64_t count,
                             const std::string& text = "x") {
    std::string lines;
    for (std::uint64_t i = 0; i < count; ++i)
      lines += text + "\n";
    return came(call, lines);
  }
  envelope taken_of(const envelope& request, std::uint64_t pieces, std::uint64_t bytes) const {
    PiecesTaken told;
    told.set_pieces(pieces);
    told.set_bytes(bytes);
    auto made = make_envelope(message_kind::acknowledge, address::of(service::models), told);
    made.id = request.id;
    made.sender = request.sender;
    return made;
  }
  /// Counts what goes out to the asker.
  std::uint64_t count(outputs out) {
    for (auto& sent : out.sends)
      if (auto* piece = sent.kind == message_kind::piece ? sent.body.as<Piece>() : nullptr) {
        EXPECT_EQ(piece->index(), sent_) << "in order, and none twice";
        ++sent_;
        bytes_ += bytes_of(*piece);
      }
    return sent_;
  }
  envelope lines_call(std::uint64_t number) const {
    auto call = call_of("hello", number);
    call.body.as<ModelRequest>()->set_unit(UNIT_LINES);
    return call;
  }

  std::uint64_t sent_ = 0, bytes_ = 0;
};

} // namespace

TEST_F(streams_of_models, stop_the_transfer_of_an_asker_who_takes_nothing) {
  make();
  auto request = lines_call(1);
  take(lines_call(1));
  auto call = port.started.at(0).id;
  EXPECT_EQ(count(take(event_of(pieces_of(call, 400)))), 400u);
  EXPECT_EQ(count(take(event_of(pieces_of(call, 400)))), 800u);
  EXPECT_THAT(port.took, ElementsAre(call, call));
  EXPECT_EQ(count(take(event_of(pieces_of(call, 400)))), pieces_max);
  EXPECT_EQ(port.took.size(), 2u) << "the next event does not come";
  EXPECT_EQ(count(take(taken_of(request, 499, bytes_ * 499 / 1000))), pieces_max);
  EXPECT_EQ(port.took.size(), 2u);
  EXPECT_EQ(count(take(taken_of(request, 500, bytes_ / 2))), 1'200u) << "what was kept";
  EXPECT_EQ(port.took.size(), 3u) << "it goes on below half";
}

TEST_F(streams_of_models, stop_the_transfer_of_many_bytes) {
  make();
  auto request = lines_call(1);
  take(lines_call(1));
  auto call = port.started.at(0).id;
  std::string big(limits::stream_bytes_max / 4, 'x');
  EXPECT_EQ(count(take(event_of(pieces_of(call, 8, big)))), 4u);
  EXPECT_TRUE(port.took.empty());
  EXPECT_EQ(count(take(taken_of(request, 3, bytes_ * 3 / 4))), 7u);
  EXPECT_TRUE(port.took.empty()) << "what was kept has filled the window again";
  EXPECT_EQ(count(take(taken_of(request, 7, bytes_))), 8u);
  EXPECT_THAT(port.took, ElementsAre(call));
}

TEST_F(streams_of_models, take_the_word_of_no_other_asker) {
  make();
  take(lines_call(1));
  auto call = port.started.at(0).id;
  count(take(event_of(pieces_of(call, 2'000))));
  auto stranger = lines_call(1);
  stranger.sender = address::of_agent(name("reader/2"));
  EXPECT_EQ(count(take(taken_of(stranger, 1'000, bytes_))), pieces_max);
  EXPECT_TRUE(take(taken_of(lines_call(99), 1, 1)).sends.empty()) << "of no call";
  EXPECT_TRUE(port.took.empty());
}

TEST_F(streams_of_models, keep_nothing_back_when_the_answer_is_whole) {
  make();
  take(lines_call(1));
  auto call = port.started.at(0).id;
  auto last = pieces_of(call, 1'200);
  last.set_body(last.body() + ".");
  last.set_ended(true);
  auto out = take(event_of(last));
  EXPECT_THAT(answer_in(out), HasSubstr("api/tiny: x\nx\n"));
  EXPECT_EQ(count(std::move(out)), 1'201u);
}

TEST_F(streams_of_models, end_at_the_deadline_of_an_asker_who_never_takes_and_hold_up_no_other) {
  make(2);
  auto slow = lines_call(1);
  slow.remaining = 5s;
  auto armed = take(std::move(slow));
  ASSERT_EQ(armed.timers.size(), 1u);
  auto stuck = port.started.at(0).id;
  count(take(event_of(pieces_of(stuck, 2'000))));
  take(call_of("other", 2, "assistant"));
  auto other = port.started.at(1).id;
  EXPECT_EQ(answer_in(take(event_of(came(other, "Yes.", true)))), "api/tiny: Yes.");
  EXPECT_THAT(answer_in(take(timer_fired{armed.timers[0].id})), HasSubstr("timed_out"));
  EXPECT_THAT(port.cancelled, ElementsAre(stuck));
  EXPECT_THAT(port.took, Not(Contains(stuck)));
  EXPECT_THAT(counted_.to_text(), HasSubstr("llm_calls_abandoned_total{reason=\"timed_out\"} 1"));
  EXPECT_TRUE(take(taken_of(lines_call(1), 1'000, bytes_)).sends.empty()) << "late";
}

TEST_F(streams_of_models, free_what_was_kept_for_who_gives_up) {
  make(1);
  auto request = lines_call(1);
  take(lines_call(1));
  count(take(event_of(pieces_of(port.started.at(0).id, 2'000))));
  take(call_of("other", 2));
  EXPECT_EQ(answer_in(take(cancel_of(request))), "cancelled: the call was cancelled");
  EXPECT_EQ(port.started.size(), 2u) << "its place is another's";
}

} // namespace troupe
