#include "messages/values.pb.h"
#include "tests/unit/agents/minds_testing.hpp"

namespace troupe {
namespace {

using namespace troupe::tests;

TEST(echo_mind, says_back_what_it_is_told) {
  EXPECT_EQ(text_of(mind_of_role("echo")->decide(said("hello"))), "hello");
}

TEST(echo_mind, gives_back_the_input_of_a_task) {
  ValueMap input;
  set_field(input, "a", value_of(std::int64_t{5}));
  auto todo = mind_of_role("echo")->decide(task_with(input));
  EXPECT_EQ(integer_field(the<reply_with>(todo).reply.output().map(), "a"), 5);
}

TEST(noop_mind, is_done_at_once_without_output) {
  auto todo = mind_of_role("noop")->decide(task_with({}));
  ASSERT_EQ(todo.size(), 1u);
  EXPECT_FALSE(the<reply_with>(todo).reply.has_output());
}

TEST(noop_mind, has_no_state_and_takes_no_other) {
  auto subject = mind_of_role("noop");
  EXPECT_EQ(subject->snapshot(), "");
  EXPECT_TRUE(subject->restore(""));
  EXPECT_FALSE(subject->restore("x"));
}

} // namespace
} // namespace troupe
