// The steps of messages that are not done, beside the states of their agents.

#include "persistence/ledger.hpp"
#include "tests/unit/persistence/state_store_fixture.hpp"

#include <rocksdb/db.h>

#include <vector>

using namespace troupe;

namespace {

StepsMade steps_of(std::string agent, std::uint64_t session, std::uint64_t number) {
  StepsMade made;
  made.mutable_message()->set_agent(std::move(agent));
  made.mutable_message()->set_session(session);
  made.mutable_message()->set_number(number);
  return made;
}

StepsMade with_step(StepsMade made, std::uint32_t number, std::string outcome = "") {
  auto step = made.add_steps();
  step->set_number(number);
  step->set_kind(outcome.empty() ? 0 : 41);
  step->set_outcome(std::move(outcome));
  return made;
}

StepsMade settling(StepsMade made, std::uint64_t session, std::uint64_t number) {
  auto key = made.add_settled();
  key->set_session(session);
  key->set_number(number);
  return made;
}

/// "5:7 1=geese 2 | 5:8 1"
std::string shown(state_store& store, std::string_view agent) {
  auto found = store.open_messages_of(agent);
  if (!found)
    return std::string{to_string(found.error().code)};
  std::string text;
  for (const auto& one : *found) {
    text += (text.empty() ? "" : " | ") + std::to_string(one.message().session()) + ":"
            + std::to_string(one.message().number());
    for (const auto& step : one.steps())
      text += " " + std::to_string(step.number())
              + (step.kind() != 0 ? "=" + step.outcome() : std::string{});
  }
  return text;
}

result<std::vector<std::string>> put_settling(state_store& store, const Snapshot& state,
                                              const StepsMade& settled) {
  state_write one{"a/1", state, {}, nullptr, nullptr, &settled.settled()};
  return store.put(std::span<const state_write>{&one, 1});
}

} // namespace

TEST_F(state_stores, both_kinds_keep_the_steps_of_messages_until_these_are_settled) {
  auto disk = open();
  auto memory = make_memory_state_store();
  for (auto* store : {disk.get(), memory.get()}) {
    ASSERT_TRUE(store->put(with_step(steps_of("a/1", 5, 7), 1)));
    EXPECT_EQ(*store->count(), 0u) << "the agent has no state yet";
    ASSERT_TRUE(store->put(with_step(steps_of("a/1", 5, 7), 2)));
    ASSERT_TRUE(store->put(with_step(steps_of("a/1", 5, 7), 1, "geese")));
    ASSERT_TRUE(store->put(with_step(steps_of("a/1", 5, 8), 1)));
    ASSERT_TRUE(store->put(with_step(steps_of("a/12", 5, 7), 1, "other")));
    EXPECT_EQ(shown(*store, "a/1"), "5:7 1=geese 2 | 5:8 1");
    EXPECT_EQ(shown(*store, "a/12"), "5:7 1=other");
    EXPECT_EQ(shown(*store, "a/"), "");
  }
  disk.reset();
  disk = open(); // what it adds up to is checked
  ASSERT_TRUE(disk);
  for (auto* store : {disk.get(), memory.get()}) {
    EXPECT_EQ(shown(*store, "a/1"), "5:7 1=geese 2 | 5:8 1");
    ASSERT_TRUE(put_settling(*store, snapshot(1), settling({}, 5, 7)));
    EXPECT_EQ(shown(*store, "a/1"), "5:8 1");
    EXPECT_EQ(version_of(*store, "a/1"), 1u);
    ASSERT_TRUE(store->put(settling(with_step(steps_of("a/1", 6, 1), 1), 5, 8)));
    EXPECT_EQ(shown(*store, "a/1"), "6:1 1");
    EXPECT_EQ(version_of(*store, "a/1"), 1u) << "steps alone change no state";
    ASSERT_TRUE(put_settling(*store, snapshot(2), settling({}, 6, 1)));
    EXPECT_EQ(shown(*store, "a/1"), "");
  }
  disk.reset();
  disk = open();
  ASSERT_TRUE(disk);
  EXPECT_EQ(shown(*disk, "a/1"), "");
  EXPECT_EQ(shown(*disk, "a/12"), "5:7 1=other");
}

TEST_F(state_stores, steps_that_no_longer_hold_are_replaced) {
  auto disk = open();
  auto memory = make_memory_state_store();
  for (auto* store : {disk.get(), memory.get()}) {
    for (std::uint32_t number = 1; number <= 3; ++number)
      ASSERT_TRUE(store->put(with_step(steps_of("a/1", 5, 7), number, "old")));
    auto again = with_step(steps_of("a/1", 5, 7), 2);
    again.mutable_message()->set_replaces_from(2);
    again.mutable_message()->set_state_version(9);
    ASSERT_TRUE(store->put(again));
    EXPECT_EQ(shown(*store, "a/1"), "5:7 1=old 2");
    ASSERT_TRUE(store->put(with_step(steps_of("a/1", 5, 7), 3)));
    EXPECT_EQ(shown(*store, "a/1"), "5:7 1=old 2 3");
  }
}

TEST_F(state_stores, several_steps_of_one_agent_are_one_write) {
  auto disk = open();
  auto memory = make_memory_state_store();
  auto a = with_step(steps_of("a/1", 5, 7), 1), b = with_step(steps_of("a/1", 5, 7), 2);
  for (auto* store : {disk.get(), memory.get()}) {
    const auto& none = Snapshot::default_instance();
    auto state = snapshot(1);
    std::vector<state_write> many{{"a/1", none, {}, nullptr, &a, &a.settled()},
                                  {"b/1", state},
                                  {"a/1", none, {}, nullptr, &b, &b.settled()}};
    ASSERT_TRUE(store->put(many));
    EXPECT_EQ(shown(*store, "a/1"), "5:7 1 2");
    EXPECT_EQ(version_of(*store, "b/1"), 1u);
  }
}

TEST_F(state_stores, steps_are_there_after_a_crash) {
  crash_after([](state_store& store) {
    return store.put(with_step(steps_of("a/1", 5, 7), 1)) && store.put("a/1", snapshot(1))
           && store.put(with_step(steps_of("a/1", 5, 7), 1, "geese"));
  });
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(shown(*store, "a/1"), "5:7 1=geese");
}

TEST_F(state_stores, a_step_that_is_missing_or_another_is_damage) {
  auto row = std::string{"p"} + encode_number(1).substr(0, 4) + encode_number(5) + encode_number(7)
             + "a/1";
  std::string bytes;
  auto in_database = [&](auto work) {
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, (folder / "state").string(), &db).ok());
    std::unique_ptr<rocksdb::DB> owned(db);
    work(*db);
  };
  {
    auto store = open();
    ASSERT_TRUE(store && store->put("a/1", snapshot(1)));
    ASSERT_TRUE(store->put(with_step(steps_of("a/1", 5, 7), 1, "geese")));
  }
  in_database([&](auto& db) {
    ASSERT_TRUE(db.Get({}, row, &bytes).ok());
    ASSERT_TRUE(db.Delete({}, row).ok());
  });
  EXPECT_EQ(opening_failure().code, ec::bad_message);
  auto other = with_step(steps_of("a/1", 5, 7), 1, "ducks").SerializeAsString();
  in_database([&](auto& db) { ASSERT_TRUE(db.Put({}, row, other).ok()); });
  EXPECT_EQ(opening_failure().code, ec::bad_message);
  in_database([&](auto& db) { ASSERT_TRUE(db.Put({}, row, bytes).ok()); });
  auto store = open();
  ASSERT_TRUE(store);
  EXPECT_EQ(shown(*store, "a/1"), "5:7 1=geese");
}
