#include "tests/e2e/simulator.hpp"

#include <algorithm>

/// `troupe send` shows an answer while it is made: on a terminal and in a pipe, piece by piece.
namespace troupe::tests {

namespace {

constexpr auto between = 100ms; ///< two pieces, as the provider sends them
constexpr int pieces = 20;

class pieces_of_an_answer : public simulated_models {
protected:
  void SetUp() override {
    simulate("  - between: 100ms\n    output_tokens: " + std::to_string(pieces) + "\n");
    role("talker", "open/any");
  }

  /// From the first part of the answer to the last one, and how many there were.
  struct course {
    clock::duration lasted{0};
    std::size_t parts = 0;
  };
  static course course_of(process asking) {
    auto ended = asking.wait(command_deadline);
    EXPECT_TRUE(ended && asking.wait_for_closed_output(10s));
    EXPECT_EQ(ended.value_or(exit_state{}).code, 0) << asking.errors();
    auto text = asking.output();
    EXPECT_EQ(std::count(text.begin(), text.end(), ' '), pieces - 1) << text;
    auto reads = asking.arrivals();
    if (reads.empty())
      return {};
    return {reads.back().at - reads.front().at, reads.size()};
  }

  /// The provider takes 1.9 s; if all comes at the end, it takes none of it. A busy machine may
  /// join some pieces, but makes none come sooner.
  static void expect_course(const course& of) {
    EXPECT_GE(of.lasted, (pieces - 1) * between / 2);
    EXPECT_GE(of.parts, pieces / 2u);
  }
};

TEST_F(pieces_of_an_answer, are_shown_on_a_terminal_as_they_come) {
  cluster one{user, {.nodes = 1}};
  write_file(user.path() / "ask.sh", "exec $troupe send talker/a 'Tell me.'");
  expect_course(course_of(user.start_shell("exec script -qefc 'exec sh ./ask.sh' /dev/null")));
}

TEST_F(pieces_of_an_answer, go_through_a_pipe_as_they_come) {
  cluster one{user, {.nodes = 1}};
  expect_course(course_of(user.start({"send", "talker/a", "Tell me."})));
  // The way of looking at it can tell the difference: JSON is printed when all is known.
  auto whole = user.start({"send", "talker/a", "Tell me more.", "--json"});
  ASSERT_TRUE(whole.wait(command_deadline));
  ASSERT_TRUE(whole.wait_for_closed_output(10s));
  auto reads = whole.arrivals();
  ASSERT_FALSE(reads.empty());
  EXPECT_LT(reads.back().at - reads.front().at, (pieces - 1) * between / 2);
}

} // namespace

} // namespace troupe::tests
