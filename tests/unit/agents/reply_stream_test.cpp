#include "actors/agents/reply_stream.hpp"
#include "messages/agents.pb.h"

#include "tests/unit/agents/stage.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using namespace troupe::tests;

struct reply_stream_test : ::testing::Test {
  stage scene;
  envelope request = request_of("librarian/ada", 3, AgentMessage{});
  reply_stream stream{1};

  void pass_on(std::string_view text) {
    auto context = scene.context();
    stream.pass_on(context, request, text);
  }
  void finish(const std::string& text) {
    auto context = scene.context();
    stream.finish(context, request, text);
  }
  /// What a terminal shows after all pieces.
  std::string shown() {
    std::string text;
    std::uint32_t index = 0;
    for (auto& sent : scene.out.sends) {
      EXPECT_EQ(sent.kind, message_kind::piece);
      EXPECT_EQ(sent.id, request.id);
      auto piece = sent.body.as<Piece>();
      if (piece->restarted()) {
        text.clear();
        index = 0;
      }
      EXPECT_EQ(piece->index(), index++);
      text += piece->text();
    }
    return text;
  }
};

TEST_F(reply_stream_test, passes_pieces_on_in_order) {
  pass_on("one ");
  pass_on("two");
  finish("one two");
  EXPECT_EQ(shown(), "one two");
  EXPECT_EQ(scene.out.sends.size(), 2u);
}

TEST_F(reply_stream_test, says_nothing_for_an_answer_that_was_not_streamed) {
  finish("all at once");
  EXPECT_TRUE(scene.out.sends.empty());
}

TEST_F(reply_stream_test, adds_what_the_reply_says_beyond_the_pieces) {
  pass_on("answer");
  finish("answer\n\nand a note");
  EXPECT_EQ(shown(), "answer\n\nand a note");
  EXPECT_FALSE(scene.out.sends.back().body.as<Piece>()->restarted());
}

TEST_F(reply_stream_test, begins_anew_when_the_reply_is_another) {
  pass_on("answer");
  finish("something else");
  EXPECT_EQ(shown(), "something else");
  EXPECT_TRUE(scene.out.sends.back().body.as<Piece>()->restarted());
  EXPECT_EQ(scene.out.sends.back().body.as<Piece>()->attempt(), 2u);
}

TEST_F(reply_stream_test, says_everything_again_to_an_asker_who_moved) {
  pass_on("one ");
  pass_on("two");
  auto context = scene.context();
  stream.repeat(context, request);
  EXPECT_EQ(scene.out.sends.back().body.as<Piece>()->text(), "one two");
  EXPECT_EQ(shown(), "one two");
}

TEST(hold_back, lets_an_ordinary_answer_through_from_its_first_piece) {
  hold_back held{"NO ANSWER"};
  EXPECT_EQ(held.let_through("> You may"), "> You may");
  EXPECT_EQ(held.let_through(" copy"), " copy");
}

TEST(hold_back, shows_nothing_of_the_text_that_nobody_is_to_see) {
  hold_back held{"NO ANSWER"};
  EXPECT_EQ(held.let_through("NO"), "");
  EXPECT_EQ(held.let_through(" ANSWER"), "");
  EXPECT_EQ(held.let_through("\n"), "");
}

TEST(hold_back, shows_what_was_held_as_soon_as_it_differs) {
  hold_back held{"NO ANSWER"};
  EXPECT_EQ(held.let_through("\nNO"), "");
  EXPECT_EQ(held.let_through("BODY may"), "\nNOBODY may");
}

TEST(hold_back, holds_again_after_the_model_began_anew) {
  hold_back held{"NO ANSWER"};
  held.let_through("Yes");
  held.restart();
  EXPECT_EQ(held.let_through("NO "), "");
}

TEST(hold_back, holds_nothing_without_a_text) { EXPECT_EQ(hold_back{""}.let_through("a"), "a"); }

} // namespace
} // namespace troupe
