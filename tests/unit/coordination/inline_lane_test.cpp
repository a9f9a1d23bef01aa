#include "actors/coordination/inline_lane.hpp"
#include "config/limits/runs.hpp"
#include "tests/unit/coordination/coordinator_fixture.hpp"

#include <functional>
#include <stdexcept>

namespace troupe::tests {

namespace {

using answering = std::function<result<void>(message_received, AgentReply&)>;

/// A mind that answers at once, by a function.
class told_mind final : public mind {
public:
  explicit told_mind(answering does) : does_(std::move(does)) {}
  commands decide(mind_event) override { return {}; }
  bool answers_at_once() const override { return true; }
  result<void> answer(message_received asked, AgentReply& reply) override {
    return does_(std::move(asked), reply);
  }
  std::string snapshot() const override { return {}; }
  std::vector<std::string> blobs_named() const override { return {}; }
  bool restore(std::string_view) override { return true; }

private:
  answering does_;
};

std::shared_ptr<role> cheap_role(answering does) {
  auto made = make_role("noop", true);
  made->make = [does = std::move(does)] { return std::make_unique<told_mind>(does); };
  return made;
}

answering counting(int& times) {
  return [&times](const message_received&, AgentReply& reply) -> result<void> {
    reply.set_text(std::to_string(++times));
    return {};
  };
}

Graph written_graph(std::string_view tasks) {
  auto read = parse_graph("graph: made\ntasks:\n" + std::string{tasks}, "made.yaml");
  EXPECT_TRUE(read) << (read ? "" : to_string(read.error()));
  return read ? *read : Graph{};
}

/// A coordinator that does the tasks of `noop` itself.
class inline_tasks : public coordinator {
protected:
  void noop_does(answering does) { roles["noop"] = cheap_role(std::move(does)); }
  int done_here = 0;
};

/// Each look at it is so much later.
class steady_clock_of_test final : public time_source {
public:
  explicit steady_clock_of_test(instant begin) : at_(begin) {}
  instant now() const override { return at_ += each; }
  void go_on_at(instant at) { at_ = at; }
  std::chrono::nanoseconds each{0};

private:
  mutable instant at_;
};

class inline_lane_alone : public ::testing::Test {
protected:
  step_context context() { return {now, random, out, &clock}; }
  inline_lane::done_task work() {
    Task todo;
    todo.set_id("a");
    auto here = context();
    return lane.work_on(here, 0, todo);
  }

  instant now{1'000'000s};
  steady_clock_of_test clock{now};
  counting_random random;
  outputs out;
  int times = 0;
  metrics counted;
  role_table roles{{"noop", cheap_role(counting(times))}, {"reader", make_role("reader")}};
  inline_lane lane{roles, counted};
};

} // namespace

TEST_F(inline_tasks, end_in_the_step_that_brings_their_run) {
  noop_does(counting(done_here));
  submit(written_graph("  - {id: a, role: noop}\n  - {id: b, role: noop, needs: [a]}\n"
                       "  - {id: c, role: noop, needs: [b]}\nresult: $tasks.c\n"));
  EXPECT_TRUE(offers().empty());
  auto ended = by.only<RunEnded>();
  EXPECT_TRUE(ended.ok());
  EXPECT_EQ(ended.result().text(), "3");
  EXPECT_EQ(ended.tasks_size(), 3);
  EXPECT_EQ(node_from_bytes(ended.tasks(0).node()), node_a);
  EXPECT_EQ(counted.plain().tasks_done, 3u);
  EXPECT_NE(counted.to_text().find("agent_tasks_processed_total{agent_id=\"noop\","
                                   "status=\"success\",task_type=\"task\"} 3"),
            std::string::npos);
}

TEST_F(inline_tasks, are_given_their_input) {
  noop_does([](message_received asked, AgentReply& reply) -> result<void> {
    *reply.mutable_output() = asked.input.fields().at("word");
    return {};
  });
  submit(written_graph("  - {id: a, role: noop, input: {word: hello}}\n"
                       "  - {id: b, role: noop, input: {word: $tasks.a}}\nresult: $tasks.b\n"));
  EXPECT_EQ(by.only<RunEnded>().result().text(), "hello");
}

TEST_F(inline_tasks, make_tasks_of_other_roles_ready_in_the_same_step) {
  noop_does(counting(done_here));
  submit(written_graph("  - {id: a, role: reader}\n  - {id: b, role: noop}\n"
                       "  - {id: c, role: reader, needs: [b]}\n"));
  EXPECT_EQ(offers().size(), 2u) << "the lane of readers was passed before b was done";
}

TEST_F(inline_tasks, are_so_many_in_one_step_and_then_others_get_in) {
  noop_does(counting(done_here));
  submit(many(200, "noop"));
  EXPECT_EQ(done_here, static_cast<int>(limits::inline_tasks_per_step_max));
  EXPECT_TRUE(by.armed(timer_go_on));
  EXPECT_TRUE(by.take<RunEnded>().empty());
  for (int steps = 1; steps < 4; ++steps)
    by.fire(timer_go_on);
  EXPECT_EQ(done_here, 200);
  EXPECT_TRUE(by.only<RunEnded>().ok());
}

TEST_F(inline_tasks, of_a_run_that_is_cancelled_are_not_gone_on_with) {
  noop_does(counting(done_here));
  auto run = submit(many(200, "noop"));
  RunCancel cancel;
  cancel.set_run(run);
  by.ask(std::move(cancel), client);
  by.fire(timer_go_on);
  EXPECT_LE(done_here, 2 * static_cast<int>(limits::inline_tasks_per_step_max));
  EXPECT_FALSE(by.take<RunEnded>().front().ok());
}

TEST_F(inline_tasks, take_turns_between_runs) {
  noop_does(counting(done_here));
  submit(many(200, "noop"));
  submit(many(10, "noop"));
  EXPECT_EQ(by.take<RunEnded>().size(), 1u) << "the small run does not wait for the large one";
}

TEST_F(inline_tasks, that_throw_are_tried_again_by_an_agent_and_harm_nobody_else) {
  noop_does([this](const message_received&, AgentReply&) -> result<void> {
    if (++done_here == 2)
      throw std::runtime_error{"as it was told"};
    return {};
  });
  submit(many(3, "noop"));
  auto offered = only_offer();
  EXPECT_EQ(offered.node, node_a);
  EXPECT_EQ(offered.task.attempt(), 2u);
  EXPECT_EQ(done_here, 3);
  EXPECT_EQ(counted.plain().tasks_failed, 1u);
  done(offered.task);
  EXPECT_TRUE(by.only<RunEnded>().ok());
}

TEST_F(inline_tasks, that_refuse_their_input_fail_at_once) {
  noop_does([](const message_received&, AgentReply&) -> result<void> {
    return fail(ec::invalid_argument, "it wants a number");
  });
  submit(many(1, "noop"));
  EXPECT_TRUE(offers().empty());
  auto ended = by.only<RunEnded>();
  EXPECT_FALSE(ended.ok());
  EXPECT_EQ(ended.tasks(0).failure().message(), "it wants a number");
}

TEST_F(inline_tasks, whose_answer_nobody_could_read_fail) {
  noop_does([](const message_received&, AgentReply& reply) -> result<void> {
    reply.set_text("\xff");
    return {};
  });
  submit(many(1, "noop"));
  EXPECT_FALSE(by.only<RunEnded>().ok());
  EXPECT_EQ(counted.plain().tasks_done, 0u);
  EXPECT_EQ(counted.plain().tasks_failed, 1u);
}

TEST_F(inline_tasks, of_a_role_whose_minds_cannot_be_made_go_to_agents_and_harm_no_other_run) {
  auto broken = cheap_role(counting(done_here));
  broken->make = []() -> std::unique_ptr<mind> { throw std::runtime_error{"as it was told"}; };
  roles["noop"] = broken;
  submit(many(1));
  auto other = only_offer();
  submit(many(2, "noop"));
  auto offered = offers();
  ASSERT_EQ(offered.size(), 2u);
  EXPECT_EQ(offered[0].task.attempt(), 1u);
  done(other.task);
  EXPECT_TRUE(by.only<RunEnded>().ok());
  for (const auto& one : offered)
    done(one.task);
  EXPECT_TRUE(by.only<RunEnded>().ok());
}

TEST_F(inline_tasks, of_a_role_whose_minds_cannot_be_made_again_after_a_fault_go_to_agents) {
  auto fragile = cheap_role([](const message_received&, AgentReply&) -> result<void> {
    throw std::runtime_error{"as it was told"};
  });
  fragile->make = [make = fragile->make, made = std::make_shared<int>(0)] {
    if (++*made > 1)
      throw std::runtime_error{"only one"};
    return make();
  };
  roles["noop"] = fragile;
  submit(many(3, "noop"));
  EXPECT_EQ(counted.plain().tasks_failed, 1u);
  auto offered = offers();
  ASSERT_EQ(offered.size(), 3u);
  for (const auto& one : offered)
    done(one.task);
  EXPECT_TRUE(by.only<RunEnded>().ok());
}

TEST_F(inline_tasks, that_have_answered_count_however_long_that_took) {
  steady_clock_of_test clock{by.now};
  clock.each = 2s;
  noop_does(counting(done_here));
  RunSubmit wanted;
  *wanted.mutable_graph() =
      written_graph("  - {id: a, role: noop, limits: {time: 1s}}\nresult: $tasks.a\n");
  auto request = make_envelope(message_kind::request, address::of(service::coordinator, node_a),
                               std::move(wanted));
  request.sender = client;
  request.id = {{77}, 1};
  counting_random random;
  step_context slow{by.now, random, by.out, &clock};
  logic.step(slow, std::move(request));
  auto ended = by.only<RunEnded>();
  EXPECT_TRUE(ended.ok()) << ended.failure().message();
  EXPECT_EQ(ended.result().text(), "1");
  EXPECT_EQ(counted.plain().tasks_done, 1u);
  EXPECT_EQ(counted.plain().tasks_failed, 0u);
}

TEST_F(inline_tasks, wait_behind_those_of_their_role_that_an_agent_has) {
  noop_does([this](const message_received&, AgentReply&) -> result<void> {
    if (++done_here == 1)
      throw std::runtime_error{"as it was told"};
    return {};
  });
  submit(many(1, "noop"));
  auto first = only_offer().task;
  submit(many(1, "noop"));
  EXPECT_EQ(only_offer().task.attempt(), 1u) << "the queue has one of them";
  EXPECT_EQ(done_here, 1);
  done(first);
}

TEST_F(inline_tasks, of_a_sampled_trace_go_to_agents) {
  noop_does(counting(done_here));
  submit(many(1, "noop"), false, {{1, 2}, {3}, trace_context::flag_sampled});
  EXPECT_EQ(offers().size(), 1u);
  EXPECT_EQ(done_here, 0);
}

TEST_F(inline_lane_alone, takes_cheap_roles_whose_minds_answer_at_once) {
  EXPECT_TRUE(lane.takes(0, "noop", now));
  EXPECT_FALSE(lane.takes(1, "reader", now));
  EXPECT_FALSE(lane.takes(2, "unheard", now));
  auto dear = cheap_role(counting(times));
  dear->cheap = false;
  roles["dear"] = dear;
  EXPECT_FALSE(lane.takes(3, "dear", now));
}

TEST_F(inline_lane_alone, is_spent_when_the_time_of_a_step_is_over) {
  ASSERT_TRUE(lane.takes(0, "noop", now));
  lane.begin_step(context());
  clock.each = 10us; // two looks a task
  EXPECT_FALSE(lane.spent());
  EXPECT_EQ(work().usage.duration_us, 10u);
  work();
  EXPECT_FALSE(lane.spent());
  work();
  EXPECT_TRUE(lane.spent());
  lane.begin_step(context());
  EXPECT_FALSE(lane.spent());
}

TEST_F(inline_lane_alone, leaves_a_role_that_is_often_slow_to_agents_for_a_while) {
  ASSERT_TRUE(lane.takes(0, "noop", now));
  auto slow_and_quick = [&](int quick) {
    clock.each = 21us;
    work();
    clock.each = 1us;
    for (int i = 0; i < quick; ++i)
      work();
  };
  for (int i = 0; i < 1'000; ++i)
    slow_and_quick(limits::inline_slow_weight);
  EXPECT_TRUE(lane.takes(0, "noop", now)) << "one in seventeen is not often";
  for (int i = 0; i < 100; ++i)
    slow_and_quick(limits::inline_slow_weight - 1);
  EXPECT_FALSE(lane.takes(0, "noop", now)) << "one in sixteen is";
  for (int i = 0; i < 6; ++i)
    slow_and_quick(2);
  now += limits::inline_slow_pause;
  clock.go_on_at(now);
  EXPECT_TRUE(lane.takes(0, "noop", now));
  slow_and_quick(0);
  EXPECT_FALSE(lane.takes(0, "noop", now)) << "it is slow still";
}

} // namespace troupe::tests
