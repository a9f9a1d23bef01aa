#include "persistence/sha256.hpp"
#include "tests/unit/coordination/queue_fixture.hpp"
#include "tests/unit/coordination/versions_fixture.hpp"

/// What a queue refuses because its node has another version of it.
namespace troupe::tests {
namespace {

class queue_versions : public queue {
protected:
  queue_versions() { roles["reader"] = reader_role("now"); }

  static Task begun_with(const std::string& word) {
    auto made = task(0);
    made.set_durable(true);
    made.set_role_hash(short_sha256(reader_file(word)));
    return made;
  }
  void expect_refused(RefusalReason why) {
    auto refused = by.only<TasksRefused>();
    EXPECT_EQ(refused.reason(), why) << refused.ShortDebugString();
    ASSERT_EQ(refused.tasks_size(), 1);
    EXPECT_TRUE(work().empty());
    EXPECT_TRUE(by.take<TaskStarted>().empty()) << "that costs no attempt";
  }
  void expect_begun() {
    EXPECT_TRUE(by.take<TasksRefused>().empty());
    EXPECT_EQ(work().size(), 1u);
    by.clear();
  }
};

TEST_F(queue_versions, takes_a_task_whose_run_began_with_its_own_role) {
  offer({begun_with("now")});
  expect_begun();
}

TEST_F(queue_versions, wants_the_role_that_a_run_began_with_if_it_has_another) {
  offer({begun_with("before")});
  expect_refused(REFUSED_WITHOUT_ROLE);
  auto whole = begun_with("before");
  whole.set_role_definition(reader_file("before"));
  offer({whole});
  auto begun = work();
  ASSERT_EQ(begun.size(), 1u);
  EXPECT_EQ(begun[0].body.as<TaskWork>()->task().role_definition(), reader_file("before"))
      << "the slot needs it";
}

TEST_F(queue_versions, refuses_steps_of_a_mind_that_it_has_in_another_version) {
  auto begun = begun_with("now");
  begun.add_steps()->set_number(1);
  offer({begun});
  expect_begun();
  begun.set_index(1);
  begun.mutable_steps(0)->set_mind_version(2);
  offer({begun});
  expect_refused(REFUSED_VERSION);
  begun.clear_steps();
  offer({begun});
  expect_begun();
}

} // namespace
} // namespace troupe::tests
