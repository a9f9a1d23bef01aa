#include "config/limits/reading_pace.hpp"
#include "messages/models.pb.h"
#include "messages/piece_window.hpp"
#include "tests/unit/agents/obedient.hpp"

#include <algorithm>

/// An agent between a fast model and a slow reader.
namespace troupe {
namespace {

using namespace troupe::tests;

constexpr auto pieces_max = limits::stream_pieces_max;
constexpr std::uint32_t reader_timer_id = 4;

struct agent_streams : agent_test {
  /// The request to its model, for a client that tells how far it is, or not.
  envelope begin_stream(bool paced = true) {
    auto message = saying("stream");
    message.set_paced(paced);
    auto request = request_of("obedient/ada", ++sequence, message);
    asked_by_id = request.id;
    auto sent = tell(std::move(request));
    EXPECT_EQ(sent.size(), 1u);
    return std::move(sent.at(0));
  }
  /// One piece from the model; what comes of it.
  std::vector<envelope> piece(const envelope& asked, const std::string& text = "word ") {
    Piece made;
    made.set_attempt(1);
    made.set_index(from_model.pieces++ & 0xffffffff);
    made.set_text(text);
    from_model.bytes += bytes_of(made);
    return tell(reply_to(asked, made, message_kind::piece));
  }
  envelope taken(std::uint64_t pieces, std::uint64_t bytes, std::uint32_t attempt = 1,
                 bool gone = false) {
    PiecesTaken told;
    told.set_attempt(attempt);
    told.set_pieces(pieces);
    told.set_bytes(bytes);
    told.set_gone(gone);
    auto made = make_envelope(message_kind::acknowledge, address::of_agent(name{"obedient/ada"}),
                              std::move(told));
    made.id = asked_by_id;
    made.sender = client();
    return made;
  }
  /// What the models heard last, and how many pieces went to the client.
  void look_at(std::vector<envelope> sent) {
    for (auto& one : sent)
      if (auto* told = one.body.as<PiecesTaken>()) {
        EXPECT_EQ(one.kind, message_kind::acknowledge);
        EXPECT_EQ(one.target, address::of(service::models, this_node));
        models_know = told->pieces();
      } else if (auto* made = one.body.as<Piece>()) {
        EXPECT_EQ(one.target, client());
        ++shown.pieces;
        shown.bytes += bytes_of(*made);
      }
  }

  message_id asked_by_id;
  piece_count from_model, shown;
  std::uint64_t models_know = 0;
};

TEST_F(agent_streams, take_from_the_model_only_what_their_reader_has_taken) {
  auto asked = begin_stream();
  for (std::uint64_t i = 0; i < pieces_max; ++i)
    look_at(piece(asked));
  EXPECT_EQ(shown.pieces, pieces_max) << "nothing is kept here";
  EXPECT_EQ(models_know, 0u);
  look_at(tell(taken(250, shown.bytes / 4)));
  EXPECT_EQ(models_know, 250u);
  look_at(tell(taken(250, shown.bytes / 4)));
  EXPECT_EQ(models_know, 250u) << "once more";
  look_at(tell(taken(1'000, shown.bytes)));
  EXPECT_EQ(models_know, 1'000u);
}

TEST_F(agent_streams, take_at_once_what_goes_to_a_reader_who_does_not_tell) {
  auto asked = begin_stream(false);
  EXPECT_FALSE(armed(reader_timer_id, limits::stream_looks_every)) << "it would not answer";
  for (std::uint64_t i = 0; i < 2 * pieces_max; ++i)
    look_at(piece(asked));
  EXPECT_EQ(models_know, 2 * pieces_max);
  EXPECT_FALSE(armed(reader_timer_id, limits::stream_asks_every));
}

TEST_F(agent_streams, take_at_once_what_nobody_is_to_see) {
  auto asked = begin_stream();
  for (std::uint64_t i = 0; i < pieces_max; ++i)
    look_at(piece(asked, " ")); // it may still become the text that is held back
  EXPECT_EQ(shown.pieces, 0u);
  EXPECT_EQ(models_know, pieces_max);
}

TEST_F(agent_streams, take_no_word_of_another_client_or_about_another_attempt) {
  auto asked = begin_stream();
  for (std::uint64_t i = 0; i < pieces_max; ++i)
    look_at(piece(asked));
  auto stranger = taken(500, shown.bytes);
  stranger.sender = address::of_session({5}, this_node);
  look_at(tell(std::move(stranger)));
  look_at(tell(taken(500, shown.bytes, 2)));
  EXPECT_EQ(models_know, 0u);
}

TEST_F(agent_streams, ask_a_reader_who_takes_nothing_how_far_it_is) {
  auto asked = begin_stream();
  for (std::uint64_t i = 0; i < pieces_max - 1; ++i)
    look_at(piece(asked));
  EXPECT_FALSE(armed(reader_timer_id, limits::stream_asks_every));
  look_at(piece(asked));
  EXPECT_TRUE(armed(reader_timer_id, limits::stream_asks_every)) << "sooner than otherwise";
  auto& out = scene.step(*subject, timer_fired{reader_timer_id});
  ASSERT_EQ(out.sends.size(), 1u);
  EXPECT_EQ(out.sends[0].kind, message_kind::piece);
  EXPECT_EQ(out.sends[0].target, client());
  ASSERT_TRUE(out.sends[0].body.as<PiecesAsked>());
  EXPECT_EQ(out.sends[0].body.as<PiecesAsked>()->pieces(), pieces_max);
  EXPECT_TRUE(armed(reader_timer_id, limits::stream_asks_every)) << "and again";
  look_at(tell(taken(pieces_max, shown.bytes)));
  EXPECT_EQ(scene.step(*subject, timer_fired{reader_timer_id}).sends.size(), 1u);
  EXPECT_TRUE(armed(reader_timer_id, limits::stream_looks_every)) << "it is not held up";
}

TEST_F(agent_streams, look_for_their_reader_from_the_beginning) {
  auto asked = begin_stream();
  EXPECT_TRUE(armed(reader_timer_id, limits::stream_looks_every)) << "no piece has come yet";
  auto& out = scene.step(*subject, timer_fired{reader_timer_id});
  ASSERT_EQ(out.sends.size(), 1u);
  ASSERT_TRUE(out.sends[0].body.as<PiecesAsked>());
  EXPECT_EQ(out.sends[0].body.as<PiecesAsked>()->pieces(), 0u);
  EXPECT_TRUE(tell(taken(0, 0, 0, true)).empty());
  EXPECT_TRUE(armed(reader_timer_id, limits::stream_asks_every)) << "it may have gone";
  for (auto waited = 0s; waited < limits::stream_reader_gone_max; waited += 1s) {
    scene.now += limits::stream_asks_every;
    EXPECT_EQ(scene.step(*subject, timer_fired{reader_timer_id}).sends.size(), 1u);
    if (waited + 1s < limits::stream_reader_gone_max) {
      EXPECT_TRUE(tell(taken(0, 0, 0, true)).empty());
    }
  }
  auto sent = tell(taken(0, 0, 0, true));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].kind, message_kind::cancel);
  EXPECT_EQ(sent[0].id, asked.id) << "the call that waits for its turn, or goes on";
  EXPECT_TRUE(armed(reader_timer_id, {})) << "nothing is left to ask about";
}

TEST_F(agent_streams, lose_nothing_for_a_reader_who_was_away_for_less_than_that) {
  auto asked = begin_stream();
  look_at(piece(asked));
  scene.step(*subject, timer_fired{reader_timer_id});
  EXPECT_TRUE(tell(taken(0, 0, 0, true)).empty());
  scene.now += limits::stream_reader_gone_max - 1s;
  auto message = saying("stream");
  message.set_paced(true);
  look_at(tell(request_of("obedient/ada", 1, message, 2))); // it is back
  scene.now += 1s;
  EXPECT_TRUE(tell(taken(0, 0, 0, true)).empty()) << "a late word about before";
  ModelAnswer answer;
  answer.set_text("word ");
  auto sent = tell(reply_to(asked, answer));
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(sent.back().body.as<AgentReply>()->text(), "word ");
}

TEST_F(agent_streams, give_up_for_a_reader_who_has_gone) {
  auto asked = begin_stream();
  for (std::uint64_t i = 0; i < pieces_max; ++i)
    look_at(piece(asked));
  auto gone = [&] { return tell(taken(0, 0, 0, true)); };
  EXPECT_TRUE(gone().empty());
  scene.now += limits::stream_reader_gone_max - 1s;
  EXPECT_TRUE(gone().empty()) << "it may come back";
  look_at(tell(taken(1, 1)));
  scene.now += 1s;
  EXPECT_TRUE(gone().empty()) << "it was there meanwhile";
  scene.now += limits::stream_reader_gone_max;
  auto sent = gone();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].kind, message_kind::cancel);
  EXPECT_EQ(sent[0].id, asked.id);
  EXPECT_EQ(code_of(sent[1]), ec::cancelled);
  EXPECT_EQ(text_of(tell("hello")), "hello") << "it is free";
}

TEST_F(agent_streams, begin_to_count_anew_with_a_reader_who_comes_back) {
  auto asked = begin_stream();
  for (std::uint64_t i = 0; i < pieces_max; ++i)
    look_at(piece(asked));
  EXPECT_EQ(models_know, 0u);
  auto message = saying("stream");
  message.set_paced(true);
  auto sent = tell(request_of("obedient/ada", 1, message, 2));
  ASSERT_GE(sent.size(), 1u);
  EXPECT_EQ(sent[0].body.as<Piece>()->index(), 0u) << "all of it, in one piece";
  look_at(std::move(sent));
  EXPECT_GT(models_know, pieces_max - 250) << "one small piece holds nobody up";
}

TEST_F(agent_streams, settle_without_a_word_of_their_reader) {
  auto asked = begin_stream();
  for (std::uint64_t i = 0; i < pieces_max; ++i)
    look_at(piece(asked));
  ModelAnswer answer;
  answer.set_text("other");
  auto sent = tell(reply_to(asked, answer));
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].body.as<AgentReply>()->text(), "other");
  EXPECT_TRUE(tell(taken(pieces_max, shown.bytes)).empty()) << "late";
  EXPECT_TRUE(scene.step(*subject, timer_fired{reader_timer_id}).sends.empty());
}

} // namespace
} // namespace troupe
