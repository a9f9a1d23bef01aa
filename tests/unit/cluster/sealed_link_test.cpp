#include "actors/cluster/link_keys.hpp"
#include "tests/unit/cluster/link_pair.hpp"

#include <gtest/gtest.h>

#include <random>

/// An attacker between two ends who changes what passes.
namespace troupe::tests {

namespace {

class sealed_link : public ::testing::Test {
protected:
  void SetUp() override {
    pair.connect();
    ASSERT_TRUE(pair.at_right.proven);
    box.put(echo_to("echo/1", "the safe is in room 42", 1));
    first = pair.taken_from(box);
    box.put(echo_to("echo/1", "and its key below the mat", 2));
    second = pair.taken_from(box);
  }

  /// Feeds bytes to the right end and returns its effects.
  const link_logic::effects& right_gets(const std::vector<char>& bytes) {
    pair.feed_right(bytes);
    return pair.at_right;
  }

  void expect_refused(const std::vector<char>& bytes, std::size_t received_before = 0) {
    auto& out = right_gets(bytes);
    ASSERT_TRUE(out.failed);
    EXPECT_EQ(out.failed->code, ec::refused) << out.failed->message;
    EXPECT_EQ(out.received.size(), received_before);
  }

  link_pair pair;
  outbox box{limits::link_bytes_max};
  std::vector<char> first, second;
};

std::vector<char> operator+(std::vector<char> a, const std::vector<char>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

} // namespace

TEST_F(sealed_link, carries_what_was_sent) {
  auto& out = right_gets(first + second);
  ASSERT_FALSE(out.failed) << out.failed->message;
  ASSERT_EQ(out.received.size(), 2u);
}

TEST_F(sealed_link, refuses_every_flipped_bit) {
  for (std::size_t bit = 0; bit < first.size() * 8; ++bit) {
    link_pair fresh; // the same nonces, so the same keys and numbers
    fresh.connect();
    auto damaged = first;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    fresh.feed_right(damaged + second);
    EXPECT_TRUE(fresh.at_right.received.empty()) << "bit " << bit;
    // If the length grew beyond the received bytes, the end waits for more. Any other change ends
    // the link.
    bool longer = bit < 32 && !fresh.at_right.failed;
    EXPECT_TRUE(longer || fresh.at_right.failed) << "bit " << bit;
  }
}

TEST_F(sealed_link, refuses_what_was_rewritten_with_the_right_lengths) {
  std::string text{first.begin(), first.end()};
  text.replace(text.find("room 42"), 7, "room 66");
  expect_refused({text.begin(), text.end()});
}

TEST_F(sealed_link, refuses_a_repeated_frame) { expect_refused(first + first, 1); }

TEST_F(sealed_link, refuses_frames_in_another_order) { expect_refused(second + first); }

TEST_F(sealed_link, refuses_a_gap) { expect_refused(second); }

TEST_F(sealed_link, refuses_a_frame_cut_short) {
  std::vector<char> cut{first.begin(), first.end() - 1};
  auto& out = right_gets(cut + second);
  EXPECT_TRUE(out.failed);
  EXPECT_TRUE(out.received.empty());
}

TEST_F(sealed_link, refuses_the_frames_of_the_other_direction) {
  // The right end's own frame is sent back to it.
  std::vector<char> own;
  ASSERT_TRUE(append_sealed(own, frame_kind::ping, "are you?", *pair.right->seal()));
  expect_refused(own);
}

TEST_F(sealed_link, refuses_the_frames_of_another_session_of_the_same_two) {
  link_pair other;
  other.right_options.own.set_nonce(std::string(32, 'c'));
  other.connect();
  outbox another{limits::link_bytes_max};
  another.put(echo_to("echo/1", "the safe is in room 42", 1));
  expect_refused(other.taken_from(another));
}

TEST_F(sealed_link, refuses_a_frame_without_a_seal_even_a_bye) {
  Bye bye;
  bye.set_message("go away");
  std::vector<char> forged;
  ASSERT_TRUE(append_frame(forged, frame_kind::bye, bye.SerializeAsString()));
  pair.feed_right(forged + std::vector<char>(64, 0));
  ASSERT_TRUE(pair.at_right.failed);
  EXPECT_NE(pair.at_right.failed->message, "go away");
}

TEST_F(sealed_link, is_read_however_the_stream_is_cut) {
  std::mt19937 random{7};
  for (int round = 0; round < 50; ++round) {
    link_pair fresh;
    fresh.begin();
    // Each stream is cut at random: the last plain frame and the first sealed one may arrive in one
    // read.
    std::vector<char> to_right, to_left;
    auto cut = [&](std::vector<char>& from) {
      auto size = std::min<std::size_t>(from.size(), 1 + random() % 90);
      std::vector<char> part{from.begin(), from.begin() + static_cast<std::ptrdiff_t>(size)};
      from.erase(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(size));
      return part;
    };
    bool sent = false;
    for (int step = 0; step < 2'000; ++step) {
      auto& left = fresh.at_left;
      auto& right = fresh.at_right;
      to_right.insert(to_right.end(), left.write.begin(), left.write.end());
      to_left.insert(to_left.end(), right.write.begin(), right.write.end());
      left.write.clear();
      right.write.clear();
      if (left.proven && !std::exchange(sent, true)) {
        outbox fill{limits::link_bytes_max};
        fill.put(echo_to("echo/1", std::string(200, 'x'), 1));
        auto bytes = fresh.taken_from(fill);
        to_right.insert(to_right.end(), bytes.begin(), bytes.end());
      }
      if (!to_right.empty())
        fresh.feed_right(cut(to_right));
      if (!to_left.empty()) {
        auto part = cut(to_left);
        link_pair::merge(left, fresh.left->feed({part.data(), part.size()}, start_time));
      }
    }
    ASSERT_FALSE(fresh.at_left.failed) << fresh.at_left.failed->message;
    ASSERT_FALSE(fresh.at_right.failed) << fresh.at_right.failed->message;
    EXPECT_TRUE(fresh.at_left.confirmed && fresh.at_right.confirmed);
    EXPECT_EQ(fresh.at_right.received.size(), 1u);
  }
}

TEST(link_keys, differ_by_direction_secret_and_either_hello) {
  link_transcript seen{"secret", "dialler's", "acceptor's"};
  auto keys = keys_of(seen);
  EXPECT_NE(keys.dialler, keys.acceptor);
  for (auto other : {link_transcript{"other", "dialler's", "acceptor's"},
                     link_transcript{"secret", "another's", "acceptor's"},
                     link_transcript{"secret", "dialler's", "another's"},
                     link_transcript{"secret", "dialler'", "sacceptor's"}}) {
    auto changed = keys_of(other);
    EXPECT_NE(changed.dialler, keys.dialler);
    EXPECT_NE(changed.acceptor, keys.acceptor);
    EXPECT_NE(proof_of(other, true), proof_of(seen, true));
  }
  EXPECT_NE(proof_of(seen, true), proof_of(seen, false));
}

TEST(link_keys, are_those_of_rfc_5869) {
  // Python's hmac, for the same input: hkdf(salt="troupe link 2 keys" + "1 ab", ikm="secret",
  // info="troupe link 2 frames", length=64).
  auto keys = keys_of({"secret", "a", "b"});
  const frame_key expected_dialler = {0xae, 0x1a, 0x29, 0xd5, 0xc1, 0x7c, 0x20, 0x6d,
                                      0x65, 0x67, 0x8b, 0xe8, 0x2d, 0xad, 0x69, 0x54,
                                      0x9b, 0xb3, 0x50, 0xfb, 0x58, 0x0f, 0xa7, 0x07,
                                      0x3e, 0xa5, 0x13, 0x5a, 0x15, 0x56, 0x17, 0x24};
  const frame_key expected_acceptor = {0x4c, 0x02, 0x97, 0x79, 0xed, 0x2c, 0x71, 0xd4,
                                       0x29, 0x83, 0xcc, 0x01, 0xf0, 0x65, 0x08, 0x66,
                                       0x27, 0x57, 0xd7, 0x63, 0xc2, 0xea, 0x9d, 0x5c,
                                       0xf5, 0x2a, 0xd1, 0xe5, 0xb4, 0x6c, 0xcf, 0x27};
  EXPECT_EQ(keys.dialler, expected_dialler);
  EXPECT_EQ(keys.acceptor, expected_acceptor);
}

} // namespace troupe::tests
