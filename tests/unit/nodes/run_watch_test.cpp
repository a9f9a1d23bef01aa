#include "messages/runs.pb.h"
#include "nodes/cli/run_watch.hpp"
#include "nodes/exit_codes.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <deque>
#include <functional>

/// A client that follows runs, on a link that a test plays.
namespace troupe::cli {

namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr node_id owner{7, 7};
constexpr run_id run{1, 2};

/// A link: what is sent is given to `peer`, which says what comes back.
class played_link final : public client {
public:
  const Welcome& welcome() const override { return welcome_; }
  address self() const override { return address::of_session({5}); }
  result<message_id> send(envelope message, std::chrono::milliseconds) override {
    message.id = {{5}, ++sequence_};
    auto id = message.id;
    sent.emplace_back(to_string(message.body.kind()));
    EXPECT_EQ(message.target, address::of(service::coordinator, owner));
    if (peer)
      peer(message);
    return id;
  }
  result<std::optional<envelope>> receive(std::chrono::milliseconds at_most) override {
    if (coming.empty() && silent_) {
      ::poll(nullptr, 0, static_cast<int>(at_most.count())); // as long as the client wants
      return std::optional<envelope>{};
    }
    if (coming.empty())
      return fail(ec::unavailable, "the test ends here");
    auto next = std::move(coming.front());
    coming.pop_front();
    return next();
  }
  void attend() override {}
  std::uint32_t returns() const noexcept override { return returns_; }

  /// An answer to a request, or an event for it.
  void answers(const envelope& request, payload body, message_kind kind = message_kind::reply) {
    coming.push_back([id = request.id, kind, body = std::make_shared<payload>(std::move(body))]() {
      envelope made;
      made.kind = kind;
      made.id = id;
      made.body = std::move(*body);
      return result<std::optional<envelope>>{std::move(made)};
    });
  }
  void refuses(const envelope& request, ec code) {
    answers(request, payload::of(to_proto({code, "refused by the test"})));
  }
  void accepts(const envelope& request, Durability durability, bool known = false) {
    RunAccepted accepted;
    accepted.set_run(to_bytes(run));
    accepted.set_durability(durability);
    accepted.set_known(known);
    answers(request, payload::of(std::move(accepted)));
  }
  void ends(const envelope& request, bool ok, message_kind kind = message_kind::event) {
    RunEnded ended;
    ended.set_run(to_bytes(run));
    ended.set_ok(ok);
    if (ok)
      ended.mutable_result()->set_text("the result");
    else
      *ended.mutable_failure() = to_proto({ec::cancelled, "it was cancelled"});
    answers(request, payload::of(std::move(ended)), kind);
  }
  /// The link breaks and is there again.
  void breaks() {
    coming.push_back([this] {
      ++returns_;
      return result<std::optional<envelope>>{std::optional<envelope>{}};
    });
  }
  /// Nothing comes, and the link does not break either.
  void is_silent() { silent_ = true; }
  /// A signal comes.
  void raises(int signal) {
    coming.push_back([signal] {
      ::raise(signal);
      return result<std::optional<envelope>>{fail(ec::cancelled, "interrupted")};
    });
  }

  std::function<void(const envelope&)> peer;
  std::deque<std::function<result<std::optional<envelope>>()>> coming;
  std::vector<std::string> sent;

private:
  Welcome welcome_;
  std::uint64_t sequence_ = 0;
  std::uint32_t returns_ = 0;
  bool silent_ = false;
};

class watching : public ::testing::Test {
protected:
  watching() {
    std::signal(SIGINT, SIG_DFL); // who starts the tests in the background may have it ignored
    auto link = std::make_unique<played_link>();
    link_ = link.get();
    cluster_.link = std::move(link);
    options_.flags.data = "/nowhere/at/all"; // nothing to come back to
    link_->peer = [this](const envelope& request) { on_request(request); };
  }
  virtual void on_request(const envelope& request) {
    if (request.body.kind() == payload_kind::RunSubmit)
      submitted(request);
    else if (request.body.kind() == payload_kind::RunAttach)
      attached(request);
    else if (request.body.kind() == payload_kind::RunCancel)
      link_->ends(request, false, message_kind::reply);
  }
  cli_result<run_outcome> submit() {
    RunSubmit message;
    message.mutable_graph()->set_name("g");
    return watched([&](run_watch& watch, command_trace& trace) {
      return watch.submit(payload::of(std::move(message)), {owner, "node-7", "g"}, trace);
    });
  }
  cli_result<run_outcome> attach() {
    return watched([&](run_watch& watch, command_trace& trace) {
      return watch.attach(run, {owner, "node-7", "g"}, trace);
    });
  }
  cli_result<run_outcome>
  watched(const std::function<cli_result<run_outcome>(run_watch&, command_trace&)>& how) {
    command_trace trace{"run", nullptr};
    attention attends;
    run_watch watch{cluster_, attends, options_};
    ::testing::internal::CaptureStderr();
    auto made = how(watch, trace);
    told_ = ::testing::internal::GetCapturedStderr();
    return made;
  }

  played_link* link_;
  attached_client cluster_;
  run_watch_options options_;
  std::string told_;
  std::function<void(const envelope&)> submitted, attached;
};

TEST_F(watching, the_id_is_told_at_once_and_the_end_is_the_outcome) {
  submitted = [&](const envelope& request) {
    link_->accepts(request, DURABILITY_SYNC);
    link_->ends(request, true);
  };
  auto outcome = submit();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->exit_code, exit_ok);
  EXPECT_EQ(outcome->ended.result().text(), "the result");
  EXPECT_EQ(told_, "run " + to_string(run) + " on node-7, durable (sync)\n");
}

TEST_F(watching, a_durable_run_is_attached_to_when_its_link_is_there_again) {
  int tries = 0;
  submitted = [&](const envelope& request) {
    link_->accepts(request, DURABILITY_ASYNC);
    link_->breaks();
  };
  attached = [&](const envelope& request) {
    if (++tries == 1) {
      link_->refuses(request, ec::unavailable);
      return link_->is_silent();
    }
    link_->accepts(request, DURABILITY_ASYNC, true);
    link_->ends(request, true);
  };
  auto outcome = submit();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_THAT(link_->sent, ElementsAre("RunSubmit", "RunAttach", "RunAttach"));
  EXPECT_THAT(told_, AllOf(HasSubstr("attaching to it again"), HasSubstr("attached to the run")));
}

TEST_F(watching, a_run_that_is_not_durable_is_not_asked_for) {
  submitted = [&](const envelope& request) {
    link_->accepts(request, DURABILITY_OFF);
    link_->breaks();
  };
  auto outcome = submit();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().exit_code, 75);
  EXPECT_EQ(outcome.error().code, "run_lost");
  EXPECT_THAT(outcome.error().message, HasSubstr("start the run again"));
  EXPECT_THAT(link_->sent, ElementsAre("RunSubmit"));
}

TEST_F(watching, a_signal_leaves_a_durable_run_and_says_how_to_come_back) {
  submitted = [&](const envelope& request) {
    link_->accepts(request, DURABILITY_SYNC);
    link_->raises(SIGTERM);
  };
  auto outcome = submit();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().exit_code, 75);
  EXPECT_EQ(outcome.error().code, "run_left");
  EXPECT_EQ(outcome.error().run, to_string(run));
  EXPECT_THAT(outcome.error().message,
              HasSubstr("troupe runs attach " + to_string(run) + " --data /nowhere/at/all"));
  EXPECT_THAT(link_->sent, ElementsAre("RunSubmit")) << "nothing is cancelled";
}

TEST_F(watching, an_interrupt_cancels_it_where_nobody_can_be_asked) {
  submitted = [&](const envelope& request) {
    link_->accepts(request, DURABILITY_SYNC);
    link_->raises(SIGINT);
  };
  auto outcome = submit();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->exit_code, exit_interrupted);
  EXPECT_THAT(link_->sent, ElementsAre("RunSubmit", "RunCancel"));
}

TEST_F(watching, a_command_that_detaches_ends_once_the_run_is_accepted) {
  options_.detach = true;
  submitted = [&](const envelope& request) { link_->accepts(request, DURABILITY_SYNC); };
  auto outcome = submit();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(outcome->detached);
  EXPECT_EQ(run_from_bytes(outcome->accepted.run()), run);
  EXPECT_EQ(told_, "");
}

TEST_F(watching, a_command_that_detaches_ends_no_run_that_needs_it_without_a_word) {
  options_.detach = true;
  submitted = [&](const envelope& request) { link_->accepts(request, DURABILITY_OFF); };
  auto outcome = submit();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().exit_code, exit_usage);
  EXPECT_THAT(outcome.error().message, HasSubstr("durability: off"));
  EXPECT_THAT(link_->sent, ElementsAre("RunSubmit", "RunCancel"));
}

TEST_F(watching, a_second_submission_with_a_key_is_told_so) {
  options_.is_keyed = true;
  submitted = [&](const envelope& request) {
    link_->accepts(request, DURABILITY_SYNC, true);
    link_->ends(request, true);
  };
  ASSERT_TRUE(submit());
  EXPECT_THAT(told_, HasSubstr("already accepted, showing the run of the first submission"));
}

TEST_F(watching, a_key_whose_node_is_down_says_which_one_and_what_to_do) {
  submitted = [&](const envelope& request) { link_->refuses(request, ec::unavailable); };
  EXPECT_EQ(submit().error().message, "refused by the test");
  options_.is_keyed = true;
  auto outcome = submit();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().exit_code, exit_unavailable);
  EXPECT_EQ(outcome.error().code, "unavailable");
  EXPECT_THAT(outcome.error().message,
              AllOf(HasSubstr("nothing was begun"), HasSubstr("refused by the test"),
                    HasSubstr("Give the same command again when node-7 is up")));
  submitted = [&](const envelope& request) { link_->refuses(request, ec::storage_failed); };
  EXPECT_EQ(submit().error().message, "refused by the test") << "that node is there";
}

TEST_F(watching, whether_a_run_was_accepted_may_not_be_known) {
  submitted = [](const envelope&) {};
  auto outcome = submit();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().exit_code, exit_outcome_unknown);
  EXPECT_THAT(outcome.error().message, HasSubstr("`troupe runs`"));
  options_.is_keyed = true;
  EXPECT_THAT(submit().error().message, HasSubstr("its key is accepted once"));
}

TEST_F(watching, a_run_of_old_is_attached_to_and_ends_like_a_new_one) {
  attached = [&](const envelope& request) {
    link_->accepts(request, DURABILITY_SYNC, true);
    link_->ends(request, true);
  };
  auto outcome = attach();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->ended.result().text(), "the result");
  EXPECT_THAT(told_, Not(HasSubstr("already accepted")));
}

TEST_F(watching, a_run_that_its_owner_does_not_know_is_not_found) {
  attached = [&](const envelope& request) { link_->refuses(request, ec::not_found); };
  auto outcome = attach();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, "not_found");
  EXPECT_EQ(outcome.error().exit_code, exit_failed);
}

} // namespace

} // namespace troupe::cli
