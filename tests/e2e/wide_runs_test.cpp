#include "tests/e2e/e2e.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

/// Runs with many tasks and large results: what they cost the owner's node, and how they affect
/// others.
namespace troupe::tests {

namespace {

std::string list_of(int size) {
  std::string list = "[a";
  for (int i = 1; i < size; ++i)
    list += ",a";
  return list + "]";
}

class wide_runs : public e2e_test {
protected:
  /// Tasks that each return a list. The next layer takes its elements one by one.
  std::string lists_of(int tasks, int elements) const {
    auto graph = user.path() / "lists.yaml";
    write_file(graph, "graph: lists\ntasks:\n  - {id: x, role: echo, for_each: " + list_of(tasks)
                          + ", input: {output: " + list_of(elements)
                          + "}}\n  - {id: y, role: noop, for_each: $tasks.x, input: {a: $item}}\n");
    return graph.string();
  }
  /// The median time of the command, which runs repeatedly until `over` returns true.
  template <class Over>
  clock::duration median_of(const std::vector<std::string>& command, Over over) const {
    std::vector<clock::duration> all;
    while (!over(all.size())) {
      auto begin = clock::now();
      auto said = user.troupe(command);
      all.push_back(clock::now() - begin);
      EXPECT_TRUE(said.ok()) << said.shown();
    }
    if (all.empty())
      return {};
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2),
                     all.end());
    return all[all.size() / 2];
  }
};

TEST_F(wide_runs, with_large_results_take_little_memory_and_let_others_in) {
  cluster one{user, {.nodes = 1}};
  constexpr std::size_t mb = 1'000'000;
  const std::vector<std::string> status{"status"}, other{"run", "chain"};
  auto ten = [](std::size_t asked) { return asked == 10; };
  auto status_alone = median_of(status, ten), other_alone = median_of(other, ten);
  auto graph = lists_of(2'000, 3'000);
  for (const auto& [command, alone] : {std::pair{status, status_alone}, {other, other_alone}}) {
    auto wide = user.start({"run", graph});
    auto meanwhile = median_of(command, [&](std::size_t) { return wide.wait(1ms).has_value(); });
    auto ended = wide.wait(command_deadline);
    ASSERT_TRUE(ended && ended->code == 0) << wide.errors();
    // Most of a single command's time is the start of its process, which is also slower on a busy
    // machine.
    EXPECT_LT(meanwhile, 3 * std::max<clock::duration>(alone, 150ms)) << command.back();
  }
  // When results were kept as objects, one such run took 600 MB.
  EXPECT_LT(peak_resident_bytes(one.nodes().front().pid), 200 * mb);
}

TEST_F(wide_runs, that_keep_more_than_they_may_fail_and_say_so) {
  cluster one{user, {.nodes = 1}};
  auto large = user.path() / "large.yaml"; // 300 tasks, each returns the 16 texts of the first
  write_file(large, "graph: large\ntasks:\n  - {id: text, role: echo, for_each: " + list_of(16)
                        + ", input: {output: " + std::string(60'000, 'x')
                        + "}}\n  - {id: x, role: echo, for_each: " + list_of(300)
                        + ", input: {output: $tasks.text}}\n"
                          "  - {id: y, role: noop, for_each: $tasks.x, input: {a: $item}}\n");
  auto run = user.troupe({"run", large.string()});
  EXPECT_NE(run.ended.code, 0);
  EXPECT_THAT(run.err, ::testing::AllOf(::testing::HasSubstr("`x["),
                                        ::testing::HasSubstr("268435456 bytes")));
  EXPECT_TRUE(user.troupe({"run", "chain"}).ok()) << "others go on";
}

} // namespace
} // namespace troupe::tests
