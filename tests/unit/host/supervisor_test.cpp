#include "actors/host/supervisor.hpp"
#include "config/limits/supervision.hpp"

#include "messages/agents.pb.h"
#include "tests/unit/host/stage.hpp"

#include <atomic>

namespace troupe::test {

namespace {

using testing::ElementsAre;

class supervisor_actor : public stage {
protected:
  /// A service that answers. `happened_` records what it does.
  child_spec service_at(service place, bool own_thread = false) {
    child_spec child;
    child.label = to_string(place);
    child.place = place;
    child.own_thread = own_thread;
    child.make = [this, label = child.label] {
      auto made = answering();
      made->on_start = [this, label](step_context&, const address&) {
        happened_.put("start " + label);
      };
      made->on_stop = [this, label, stop = made->on_stop](step_context& context) {
        stop(context);
        happened_.put("stop " + label);
      };
      return made;
    };
    return child;
  }

  static child_spec branch(std::string label, std::vector<child_spec> children) {
    child_spec made;
    made.label = std::move(label);
    made.children = std::move(children);
    made.rules.backoff_min = 1ns;
    return made;
  }

  /// The next events, in any order.
  std::vector<std::string> next(std::size_t count) {
    std::vector<std::string> all;
    while (all.size() < count)
      all.push_back(happened_.take().value_or("nothing more"));
    return all;
  }

  /// Waits until a different actor is at that place.
  logic_actor successor_of(service place, const logic_actor& before) {
    auto until = std::chrono::steady_clock::now() + 10s;
    while (std::chrono::steady_clock::now() < until) {
      if (auto there = host_.post->find(place); there && there != before)
        return there;
      std::this_thread::yield();
    }
    return {};
  }
};

} // namespace

TEST_F(supervisor_actor, starts_its_tree_in_order_and_tells_when_all_of_it_stands) {
  std::promise<bool> stands;
  std::vector<child_spec> many;
  for (auto place : {service::queue, service::roles, service::desk, service::reading})
    many.push_back(service_at(place));
  auto all = [this] {
    return host_.post->find(service::reading) && host_.post->find(service::coordinator);
  };
  auto late = service_at(service::coordinator);
  late.make = [this, make = late.make, &all] {
    EXPECT_TRUE(host_.post->find(service::reading)) << "the subtree before it is not there yet";
    return make();
  };
  auto top = spawn_supervisor(system_, host_, branch("top", {branch("inner", many), late}),
                              [&] { stands.set_value(all()); });
  auto told = stands.get_future();
  ASSERT_EQ(told.wait_for(10s), std::future_status::ready);
  EXPECT_TRUE(told.get());
  next(5);
  // It must be told only once: a second time would throw.
  auto before = host_.post->find(service::coordinator);
  caf::anon_send_exit(before, caf::exit_reason::kill);
  EXPECT_TRUE(successor_of(service::coordinator, before));
  stop(top);
}

TEST_F(supervisor_actor, stops_its_tree_in_reverse_order) {
  auto top = spawn_supervisor(
      system_, host_,
      branch("top", {service_at(service::state, true),
                     branch("inner", {service_at(service::queue), service_at(service::roles)}),
                     service_at(service::coordinator)}));
  auto started = next(4);
  auto ended = end_of(top);
  caf::anon_send(top, atom::stop_v);
  EXPECT_THAT(next(4), ElementsAre("stop coordinator", "stop roles", "stop queue", "stop state"));
  EXPECT_EQ(ended.get(), caf::exit_reason::user_shutdown);
  EXPECT_FALSE(host_.post->find(service::state));
}

TEST_F(supervisor_actor, leaves_a_service_behind_that_does_not_stop_and_nobody_else_waits_for_it) {
  // Its thread hangs in a step. When the step finally ends, its answers go through the post.
  std::promise<void> go;
  handed_over<int> begun;
  auto slow = service_at(service::state, true);
  slow.stop_within = 20ms;
  slow.make = [&, gone = go.get_future().share()] {
    auto made = std::make_unique<scripted>();
    made->on_step = [&begun, gone](step_context& context, event input) {
      begun.put(1);
      gone.wait();
      auto& message = std::get<envelope>(input);
      message.sender = address::of_session({42});
      context.out.send(reply_to(message, std::move(*message.body.as<Echo>())));
    };
    return made;
  };
  auto top = spawn_supervisor(
      system_, host_,
      branch("top", {service_at(service::queue), std::move(slow), service_at(service::roles)}));
  next(2);
  ask(address::of(service::state), "hang");
  ASSERT_TRUE(begun.take());
  auto behind = ask(address::of(service::state), "hello");
  auto ended = end_of(top);
  caf::anon_send(top, atom::stop_v);
  top = nullptr;
  EXPECT_EQ(ended.wait_for(10s), std::future_status::ready) << "the node hangs with it";
  EXPECT_THAT(next(2), ElementsAre("stop roles", "stop queue"));
  EXPECT_THAT(next_answer(), refuses(behind, ec::unavailable));
  EXPECT_FALSE(host_.threads->wait_for_none(0s)) << "its step has not ended yet";
  go.set_value();
  EXPECT_TRUE(host_.threads->wait_for_none(30s)) << "it is locked out of the post";
  auto elsewhere = ask(address::of(service::state), "hello");
  EXPECT_THAT(next_answer(), refuses(elsewhere, ec::unavailable)) << "the post is locked";
}

TEST_F(supervisor_actor, gives_a_subtree_the_time_of_all_its_services) {
  // Each of the three takes 100 ms and may take 1 s. Together they take longer than one part alone
  // may.
  auto slow = [&](service place) {
    auto made = service_at(place, true);
    made.stop_within = 1s;
    made.make = [make = made.make, place] {
      auto mind = make();
      static_cast<scripted&>(*mind).on_stop =
          [stop = static_cast<scripted&>(*mind).on_stop](step_context& context) {
            std::this_thread::sleep_for(100ms); // like a slow disk
            stop(context);
          };
      return mind;
    };
    return made;
  };
  auto inner = branch("inner", {slow(service::state), slow(service::blobs), slow(service::models)});
  inner.stop_within = 200ms; // counts only for services
  EXPECT_EQ(stop_time_of(inner), 3s + limits::supervisor_stop_slack);
  auto whole = branch("top", {std::move(inner), service_at(service::queue)});
  EXPECT_GT(stop_time_of(whole), 3s + limits::stop_timeout);
  auto top = spawn_supervisor(system_, host_, std::move(whole));
  next(4);
  auto ended = end_of(top);
  caf::anon_send(top, atom::stop_v);
  EXPECT_THAT(next(4), ElementsAre("stop queue", "stop models", "stop blobs", "stop state"));
  EXPECT_EQ(ended.get(), caf::exit_reason::user_shutdown);
}

TEST_F(supervisor_actor, starts_a_killed_service_again_and_leaves_the_others_alone) {
  auto top = spawn_supervisor(
      system_, host_,
      branch("top", {service_at(service::state, true), service_at(service::queue)}));
  next(2);
  for (auto place : {service::queue, service::state}) {
    auto before = host_.post->find(place);
    caf::anon_send_exit(before, caf::exit_reason::kill);
    ASSERT_TRUE(successor_of(place, before)) << to_string(place);
    auto number = ask(address::of(place), "hello");
    EXPECT_THAT(next_answer(), answers(number, "hello"));
  }
  EXPECT_EQ(host_.counted.plain().restarts, 2u);
  stop(top);
}

TEST_F(supervisor_actor, starts_a_service_again_that_failed_in_a_step) {
  auto top = spawn_supervisor(system_, host_, branch("top", {service_at(service::queue)}));
  auto before = (next(1), host_.post->find(service::queue));
  auto failing = ask(address::of(service::queue), "fail");
  EXPECT_THAT(next_answer(), refuses(failing, ec::agent_failed));
  ASSERT_TRUE(successor_of(service::queue, before));
  auto number = ask(address::of(service::queue), "hello");
  EXPECT_THAT(next_answer(), answers(number, "hello"));
  stop(top);
}

TEST_F(supervisor_actor, gives_up_with_all_its_children_when_one_fails_too_often) {
  auto weak = service_at(service::queue);
  weak.make = [this] {
    auto made = answering();
    made->on_start = [](step_context&, const address&) { throw std::runtime_error{"too weak"}; };
    return made;
  };
  auto top = spawn_supervisor(system_, host_,
                              branch("top", {service_at(service::state), std::move(weak)}));
  auto ended = end_of(top);
  EXPECT_THAT(next(2), ElementsAre("start state", "stop state"));
  EXPECT_EQ(ended.get().code(), static_cast<std::uint8_t>(caf::sec::runtime_error));
  EXPECT_EQ(host_.counted.plain().restarts, limits::restart_intensity);
}

TEST_F(supervisor_actor, tries_again_when_a_service_cannot_be_made) {
  std::atomic<int> tried{0};
  auto slow = service_at(service::queue);
  slow.make = [&, make = slow.make] {
    if (++tried < 3)
      throw std::runtime_error{"the disk is not there yet"};
    return make();
  };
  auto top = spawn_supervisor(system_, host_,
                              branch("top", {std::move(slow), service_at(service::state)}));
  next(2);
  EXPECT_EQ(tried, 3);
  EXPECT_TRUE(successor_of(service::queue, {}));
  stop(top);
}

TEST_F(supervisor_actor, takes_its_tree_with_it_when_it_is_killed) {
  auto top = spawn_supervisor(system_, host_,
                              branch("top", {branch("inner", {service_at(service::queue)})}));
  EXPECT_THAT(next(1), ElementsAre("start queue"));
  auto child = end_of(host_.post->find(service::queue));
  caf::anon_send_exit(top, caf::exit_reason::kill);
  EXPECT_EQ(child.get(), caf::exit_reason::user_shutdown);
}

} // namespace troupe::test
