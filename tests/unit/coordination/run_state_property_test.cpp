#include "actors/coordination/run_state.hpp"
#include "messages/runs.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/coordination/hand.hpp"

#include <random>
#include <set>

/// Random graphs from a seed, run in a random order.
namespace troupe::tests {
namespace {

std::vector<std::uint32_t> take_all(run_state& run) {
  std::vector<std::uint32_t> taken;
  for (std::uint32_t role = 0; role < run.roles().size(); ++role)
    while (run.has_ready(role))
      taken.push_back(run.take_ready(role));
  return taken;
}

struct random_graph {
  Graph graph;
  /// By task: the tasks that must be done before (whole), and the task of the same element.
  std::map<std::string, std::set<std::string>> whole;
  std::map<std::string, std::string> each;
};

random_graph draw(std::mt19937_64& random) {
  random_graph made;
  auto below = [&](std::uint64_t n) { return random() % n; };
  auto tasks = 1 + below(12);
  std::vector<std::string> names, many;
  for (std::uint64_t i = 0; i < tasks; ++i) {
    auto task = made.graph.add_tasks();
    auto id = "t" + std::to_string(i);
    task->set_id(id);
    task->set_role("r" + std::to_string(below(3)));
    auto kind = below(4);
    if (kind == 1) {
      auto list = task->mutable_for_each()->mutable_literal()->mutable_list();
      for (auto n = below(4); n > 0; --n)
        list->add_items()->set_integer(static_cast<std::int64_t>(n));
    } else if (kind == 2 && !many.empty()) {
      auto source = many[below(many.size())];
      task->mutable_for_each()->set_task(source);
      made.each[id] = source;
    } else if (kind == 3 && !names.empty()) {
      auto source = names[below(names.size())]; // its result is a list, see run_to_the_end
      task->mutable_for_each()->set_task(source);
      auto is_many = std::find(many.begin(), many.end(), source) != many.end();
      if (is_many)
        made.each[id] = source;
      else
        made.whole[id].insert(source);
    }
    for (auto n = below(3); n > 0 && !names.empty(); --n) {
      auto need = names[below(names.size())];
      if (made.each.contains(id) && made.each[id] == need && below(2) == 0) {
        task->add_needs(need); // repeats what the for_each already says
        continue;
      }
      made.whole[id].insert(need);
      auto& field = (*task->mutable_input())["f" + std::to_string(n)];
      field.set_task(need);
      if (made.each.contains(id) && made.each[id] == need)
        made.each.erase(id);
    }
    names.push_back(id);
    if (task->has_for_each())
      many.push_back(id);
  }
  // The order in the file does not matter.
  for (int i = made.graph.tasks_size() - 1; i > 0; --i)
    made.graph.mutable_tasks()->SwapElements(
        i, static_cast<int>(below(static_cast<std::uint64_t>(i) + 1)));
  return made;
}

std::string step_of(const std::string& id) { return id.substr(0, id.find('[')); }

void expect_needs_met(random_graph& drawn, const run_state& run, const std::string& id,
                      const std::set<std::string>& done) {
  for (std::uint32_t other = 0; other < run.size(); ++other)
    if (drawn.whole[step_of(id)].contains(step_of(run.id_of(other)))) {
      EXPECT_TRUE(done.contains(run.id_of(other))) << id << " before " << run.id_of(other);
    }
  if (auto each = drawn.each.find(step_of(id)); each != drawn.each.end()) {
    EXPECT_TRUE(done.contains(each->second + id.substr(id.find('[')))) << id;
  }
}

/// Runs a graph in a random order. Every task must run once, and only after the tasks it needs.
void run_to_the_end(std::uint64_t seed, bool with_failures) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  auto drawn = draw(random);
  auto created = run_state::create(drawn.graph, {}, nullptr);
  ASSERT_TRUE(created) << created.error().message;
  auto run = std::move(*created);
  std::vector<std::uint32_t> going;
  std::set<std::string> done, ran;
  bool failed_any = false;
  while (!run->ended()) {
    EXPECT_TRUE(run->invariants());
    for (auto task : take_all(*run)) {
      auto id = run->id_of(task);
      ASSERT_TRUE(ran.insert(id).second) << id << " runs twice";
      Task made;
      auto filled = run->fill_task(task, made);
      ASSERT_TRUE(filled) << id << ": " << filled.error().message;
      expect_needs_met(drawn, *run, id, done);
      run->offered(task);
      going.push_back(task);
    }
    ASSERT_FALSE(going.empty() && !run->ended()) << "nothing runs and nothing is ready";
    if (going.empty())
      break;
    auto pick = random() % going.size();
    auto task = going[pick];
    going.erase(going.begin() + static_cast<std::ptrdiff_t>(pick));
    if (with_failures && random() % 6 == 0) {
      failed_any = true;
      run->failed(task, {ec::agent_failed, "drawn"}, {});
      continue;
    }
    done.insert(run->id_of(task));
    std::vector<Value> items(random() % 4, text_value("item"));
    succeed(*run, task, list_value(std::move(items)), {});
  }
  EXPECT_TRUE(run->invariants());
  EXPECT_EQ(run->ok(), !failed_any);
  EXPECT_EQ(run->count().done, done.size());
  RunEnded ended;
  run->report(ended);
  EXPECT_EQ(static_cast<std::uint32_t>(ended.tasks_size()), run->count().total());
  if (!failed_any) {
    EXPECT_EQ(ran.size(), run->size()) << "every task ran";
  }
  for (const auto& outcome : ended.tasks())
    EXPECT_EQ(outcome.ok(), done.contains(outcome.task())) << outcome.task();
}

TEST(run_state, runs_each_task_of_any_graph_once_and_only_after_what_it_needs) {
  for (std::uint64_t seed = 1; seed <= 3'000 && !HasFailure(); ++seed)
    run_to_the_end(seed, false);
}

TEST(run_state, comes_to_an_end_whatever_fails) {
  for (std::uint64_t seed = 1; seed <= 3'000 && !HasFailure(); ++seed)
    run_to_the_end(seed, true);
}

} // namespace
} // namespace troupe::tests
