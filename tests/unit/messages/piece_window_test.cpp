#include "messages/piece_window.hpp"

#include "config/base/split_mix.hpp"
#include "config/limits/reading_pace.hpp"
#include "messages/agents.pb.h"
#include "messages/piece_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <string>

namespace troupe {

namespace {

constexpr auto pieces_max = limits::stream_pieces_max;
constexpr auto bytes_max = limits::stream_bytes_max;

void send(piece_window& window, std::uint64_t times, std::uint64_t bytes = 1) {
  for (std::uint64_t i = 0; i < times; ++i)
    window.sent(bytes);
}

} // namespace

TEST(piece_window, closes_at_so_many_pieces_and_opens_at_half_of_them) {
  piece_window window;
  send(window, pieces_max - 1);
  EXPECT_TRUE(window.is_open());
  window.sent(1);
  EXPECT_FALSE(window.is_open());
  EXPECT_FALSE(window.taken({pieces_max / 2 - 1, pieces_max / 2 - 1}));
  EXPECT_FALSE(window.is_open());
  EXPECT_TRUE(window.taken({pieces_max / 2, pieces_max / 2}));
  EXPECT_TRUE(window.is_open());
  EXPECT_EQ(window.untaken().pieces, pieces_max / 2);
}

TEST(piece_window, closes_at_so_many_bytes_and_opens_at_half_of_them) {
  piece_window window;
  send(window, 4, bytes_max / 4);
  EXPECT_FALSE(window.is_open());
  EXPECT_FALSE(window.taken({1, bytes_max / 4}));
  EXPECT_TRUE(window.taken({2, bytes_max / 2}));
}

TEST(piece_window, lets_one_piece_through_that_is_larger_than_itself) {
  piece_window window;
  window.sent(10 * bytes_max);
  EXPECT_FALSE(window.is_open());
  EXPECT_TRUE(window.taken({1, 10 * bytes_max}));
}

TEST(piece_window, is_not_moved_by_old_doubled_or_impossible_words) {
  piece_window window;
  send(window, pieces_max);
  EXPECT_TRUE(window.taken({600, 600}));
  EXPECT_FALSE(window.taken({600, 600}));
  EXPECT_FALSE(window.taken({500, 500}));
  EXPECT_EQ(window.untaken().pieces, pieces_max - 600);
  EXPECT_FALSE(window.taken({pieces_max + 1, 0})) << "of pieces that were never sent";
  EXPECT_EQ(window.untaken().pieces, pieces_max - 600);
  window.taken({700, ~std::uint64_t{0}});
  EXPECT_EQ(window.untaken().bytes, 0u) << "not less than none";
}

TEST(piece_window, forgets_bytes_that_were_lost_on_the_way) {
  piece_window window;
  send(window, 4, bytes_max / 4);
  EXPECT_TRUE(window.taken({4, bytes_max / 4})) << "all is taken, and three were never there";
  EXPECT_EQ(window.untaken().bytes, 0u);
  send(window, 3, bytes_max / 4);
  EXPECT_TRUE(window.is_open());
  window.taken({5, bytes_max / 2});
  EXPECT_EQ(window.untaken().bytes, bytes_max / 2) << "the lost ones do not count again";
}

namespace {

/// A sender and a reader, with a way between them that loses, holds back and doubles.
struct way {
  explicit way(std::uint64_t seed) : random(seed) { request.id = {{7}, 1}; }

  std::uint64_t below(std::uint64_t limit) { return random.next() % limit; }

  void send_one() {
    Piece piece;
    piece.set_attempt(1);
    piece.set_index(static_cast<std::uint32_t>(sent++));
    piece.set_text(std::string(below(200) == 0 ? below(bytes_max / 3) : below(20), 'x'));
    window.sent(bytes_of(piece));
    coming.push_back(std::move(piece));
    ahead_max = std::max(ahead_max, window.untaken().pieces);
  }
  void ask() {
    PiecesAsked asked;
    asked.set_attempt(1);
    asked.set_pieces(sent);
    take(payload::of(asked));
  }
  void read_one() {
    auto piece = std::move(coming.front());
    coming.pop_front();
    if (loses && below(50) == 0)
      return;
    take(payload::of(std::move(piece)));
  }
  void take(payload body) {
    envelope came;
    came.body = std::move(body);
    auto told = reader.took(came);
    if (!told || (loses && below(3) == 0))
      return;
    told_before.push_back(*told->body.as<PiecesTaken>());
    auto late = below(told_before.size()); // an old word once more
    for (const auto& word : {told_before[late], told_before.back()})
      window.taken({word.pieces(), word.bytes()});
  }

  split_mix random;
  bool loses = false;
  envelope request;
  piece_window window;
  piece_reader reader{request};
  std::deque<Piece> coming;
  std::vector<PiecesTaken> told_before;
  std::uint64_t sent = 0, ahead_max = 0;
};

} // namespace

TEST(piece_window, never_stays_closed_for_a_reader_that_has_taken_all) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    way between{seed};
    while (between.sent < 10'000) {
      ASSERT_TRUE(between.window.is_open()) << "seed " << seed << ": nobody is asked for this";
      for (auto many = between.below(2'000); many > 0 && between.window.is_open(); --many)
        between.send_one();
      while (!between.coming.empty())
        between.read_one();
    }
    EXPECT_LE(between.ahead_max, pieces_max);
  }
}

TEST(piece_window, is_opened_by_a_question_whatever_was_lost) {
  std::uint64_t questions = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    way between{seed};
    between.loses = true;
    while (between.sent < 10'000) {
      for (int asked = 0; !between.window.is_open(); ++asked, ++questions) {
        ASSERT_LT(asked, 100) << "seed " << seed;
        between.ask();
      }
      while (between.window.is_open() && between.sent < 10'000)
        between.send_one();
      while (!between.coming.empty())
        between.read_one();
    }
    EXPECT_LE(between.ahead_max, pieces_max);
  }
  EXPECT_GT(questions, 50u) << "words were lost";
}

TEST(piece_reader, tells_each_quarter_of_the_window_to_whom_it_asked) {
  envelope request =
      make_envelope(message_kind::request, address::of_agent(name{"talker/1"}), AgentMessage{});
  request.id = {{7}, 3};
  request.sender = address::of_session({7});
  piece_reader reader{request};
  std::uint64_t told = 0;
  for (std::uint32_t i = 0; i < pieces_max; ++i) {
    Piece piece;
    piece.set_attempt(1);
    piece.set_index(i);
    envelope came;
    came.body = payload::of(std::move(piece));
    auto word = reader.took(came);
    if (!word)
      continue;
    EXPECT_EQ(word->kind, message_kind::acknowledge);
    EXPECT_EQ(word->id, request.id);
    EXPECT_EQ(word->target, request.target);
    EXPECT_EQ(word->body.as<PiecesTaken>()->pieces(), ++told * pieces_max / 4);
  }
  EXPECT_EQ(told, 4u);
}

TEST(piece_reader, counts_each_attempt_by_itself) {
  piece_reader reader{envelope{}};
  auto take = [&](std::uint32_t attempt, std::uint32_t index) {
    Piece piece;
    piece.set_attempt(attempt);
    piece.set_index(index);
    envelope came;
    came.body = payload::of(std::move(piece));
    return reader.took(came);
  };
  take(1, 500);
  take(2, 0);
  EXPECT_FALSE(take(1, 999)) << "an old one";
  PiecesAsked asked;
  asked.set_attempt(2);
  asked.set_pieces(1);
  envelope came;
  came.body = payload::of(asked);
  auto word = reader.took(came);
  ASSERT_TRUE(word);
  EXPECT_EQ(word->body.as<PiecesTaken>()->attempt(), 2u);
  EXPECT_EQ(word->body.as<PiecesTaken>()->pieces(), 1u);
}

} // namespace troupe
