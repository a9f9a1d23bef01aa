#include "actors/storage/blob_timers.hpp"
#include "actors/storage/blobs_logic.hpp"
#include "actors/storage/state_logic.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"

#include "tests/unit/storage/stage.hpp"

#include <functional>
#include <optional>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

constexpr node_id here{1, 1};
constexpr std::chrono::nanoseconds keep_time = 2h; // its parts are not whole hours

/// Lends out a store that outlives the logic, like a disk.
class lent_blobs final : public blob_store {
public:
  explicit lent_blobs(blob_store& real) : real_(real) {}
  result<std::vector<BlobRef>> put(std::span<const std::string_view> many, instant now) override {
    return real_.put(many, now);
  }
  result<std::optional<blob_bytes>> get(std::string_view hash) override { return real_.get(hash); }
  result<std::vector<std::optional<std::uint64_t>>>
  use(std::span<const std::string> hashes, instant now, std::chrono::nanoseconds grain) override {
    return real_.use(hashes, now, grain);
  }
  result<std::size_t> remove(std::span<const std::string> hashes, instant before) override {
    return real_.remove(hashes, before);
  }
  result<std::vector<blob_entry>> list(std::string_view after, std::size_t at_most) override {
    return real_.list(after, at_most);
  }
  std::uint64_t count() const override { return real_.count(); }
  std::uint64_t bytes() const override { return real_.bytes(); }

private:
  blob_store& real_;
};

/// service::blobs and service::state of one node, on simulated time.
class collecting : public testing::Test {
protected:
  void SetUp() override { start_blobs(keep_time); }

  void start_blobs(std::chrono::nanoseconds keep) {
    auto now = blobs ? blobs->now : instant{1'000h};
    blobs_logic::options options;
    options.keep = keep;
    blobs = std::make_unique<stage>(
        std::make_unique<blobs_logic>(std::make_unique<lent_blobs>(*disk), counted, options),
        address::of(service::blobs, here), 1, now);
    sweep_at.reset();
    settle();
  }

  /// Carries messages and fires the shortest timers until nothing is left.
  void settle() {
    for (bool moved = true; std::exchange(moved, false);) {
      bool go_on = false;
      for (auto& timer : std::exchange(blobs->out.timers, {})) {
        if (timer.id == sweep_timer)
          sweep_at =
              timer.after.count() > 0 ? std::optional{blobs->now + timer.after} : std::nullopt;
        else if (timer.id == go_on_timer)
          go_on = true;
      }
      for (auto& message : blobs->take()) {
        if (message.target.svc != service::state)
          continue;
        ++questions;
        if (lose_questions)
          continue;
        moved = true;
        states.step(std::move(message));
      }
      for (auto& message : states.take()) {
        if (before_answer)
          std::exchange(before_answer, {})();
        if (message.target.svc == service::blobs) {
          moved = true;
          blobs->step(std::move(message));
        }
      }
      if (go_on) {
        moved = true;
        blobs->step(timer_fired{go_on_timer});
      }
    }
  }

  /// Lets time pass; timers fire when they are due.
  void pass(std::chrono::nanoseconds time) {
    auto until = blobs->now + time;
    while (sweep_at && *sweep_at <= until) {
      blobs->now = *std::exchange(sweep_at, std::nullopt);
      states.now = blobs->now;
      ++sweeps;
      blobs->step(timer_fired{sweep_timer});
      settle();
    }
    blobs->now = states.now = until;
  }

  BlobRef upload(std::string bytes) {
    BlobPut put;
    put.set_bytes(std::move(bytes));
    auto asked = blobs->ask(put);
    blobs->step(timer_fired{go_on_timer});
    auto reply = blobs->reply_to_client(asked);
    settle();
    EXPECT_TRUE(reply && reply->body.as<BlobStored>());
    return reply ? reply->body.as<BlobStored>()->blob() : BlobRef{};
  }
  /// Makes the agent's state name these blobs and stores them at its home.
  void remember(std::string agent, const std::vector<BlobRef>& known) {
    BlobsKeep keep;
    SnapshotPut put;
    put.set_agent(std::move(agent));
    for (const auto& blob : known) {
      *keep.add_blobs() = blob;
      put.add_blobs(blob.sha256());
    }
    auto asked = blobs->ask(keep);
    EXPECT_EQ(code_of(blobs->reply_to_client(asked)), ec::none);
    write(put);
  }
  void write(const SnapshotPut& put) {
    auto asked = states.ask(put);
    EXPECT_EQ(code_of(states.reply_to_client(asked)), ec::none);
    settle();
  }
  bool there(const BlobRef& blob) {
    auto found = disk->get(blob.sha256());
    return found && *found;
  }

  std::unique_ptr<blob_store> disk = make_memory_blob_store();
  metrics counted;
  std::unique_ptr<stage> blobs;
  stage states{std::make_unique<state_logic>(make_memory_state_store()),
               address::of(service::state, here), 2, instant{1'000h}};
  std::optional<instant> sweep_at;
  std::size_t sweeps = 0;
  std::size_t questions = 0;
  bool lose_questions = false;
  std::function<void()> before_answer;
};

} // namespace

TEST_F(collecting, a_blob_that_nobody_names_goes_when_its_time_is_over_and_not_before) {
  auto blob = upload("text");
  pass(keep_time - 1s);
  EXPECT_TRUE(there(blob));
  pass(keep_time / 4);
  EXPECT_FALSE(there(blob));
  EXPECT_EQ(counted.plain().blobs.load(), 0u);
  EXPECT_FALSE(sweep_at) << "nothing ticks when nothing is left";
}

TEST_F(collecting, what_an_agent_names_stays_until_the_last_name_goes) {
  auto shared = upload("shared"), own = upload("own");
  remember("librarian/a", {shared, own});
  remember("librarian/b", {shared});
  pass(10 * keep_time);
  EXPECT_TRUE(there(shared) && there(own));
  EXPECT_FALSE(sweep_at) << "all that are left are named";
  SnapshotPut forgets;
  forgets.set_agent("librarian/a");
  write(forgets);
  pass(keep_time - 1s);
  EXPECT_TRUE(there(own)) << "kept for a while after its last name went";
  pass(keep_time / 4);
  EXPECT_FALSE(there(own));
  EXPECT_TRUE(there(shared)) << "b names it";
  forgets.set_agent("librarian/b");
  write(forgets);
  pass(2 * keep_time);
  EXPECT_FALSE(there(shared));
}

TEST_F(collecting, storing_or_reading_it_again_or_saying_that_it_is_needed_is_a_use) {
  auto stored = upload("stored"), read = upload("read"), held = upload("held"),
       left = upload("left");
  pass(keep_time * 3 / 4);
  upload("stored");
  BlobGet get;
  *get.mutable_blob() = read;
  EXPECT_EQ(code_of(blobs->reply_to_client(blobs->ask(get))), ec::none);
  BlobsHeld news;
  news.add_sha256(held.sha256());
  blobs->step(make_envelope(message_kind::event, blobs->self(), news));
  settle();
  pass(keep_time * 3 / 4);
  EXPECT_FALSE(there(left));
  EXPECT_TRUE(there(stored) && there(read) && there(held));
  pass(keep_time);
  EXPECT_FALSE(there(stored) || there(read) || there(held));
}

TEST_F(collecting, what_is_used_while_the_question_is_on_its_way_stays) {
  auto blob = upload("text");
  before_answer = [&] { upload("text"); };
  pass(keep_time + keep_time / 4);
  EXPECT_GE(questions, 1u);
  EXPECT_TRUE(there(blob));
}

TEST_F(collecting, what_an_agent_is_about_to_name_stays_although_its_time_is_short) {
  start_blobs(2s);
  auto blob = upload("text");
  BlobsKeep keep;
  *keep.add_blobs() = blob;
  EXPECT_EQ(code_of(blobs->reply_to_client(blobs->ask(keep))), ec::none);
  settle();
  pass(60s); // its state is being written
  ASSERT_TRUE(there(blob));
  SnapshotPut put;
  put.set_agent("librarian/a");
  put.add_blobs(blob.sha256());
  write(put);
  pass(1h);
  EXPECT_TRUE(there(blob));
}

TEST_F(collecting, nothing_is_deleted_while_the_store_of_states_does_not_answer) {
  auto blob = upload("text");
  lose_questions = true;
  pass(3 * keep_time);
  EXPECT_GE(questions, 2u) << "it is asked again";
  EXPECT_TRUE(there(blob));
  lose_questions = false;
  pass(keep_time);
  EXPECT_FALSE(there(blob));
}

TEST_F(collecting, goes_on_after_a_restart) {
  auto named = upload("named"), loose = upload("loose");
  remember("librarian/a", {named});
  pass(keep_time / 2);
  start_blobs(keep_time);
  ASSERT_TRUE(sweep_at);
  pass(keep_time);
  EXPECT_FALSE(there(loose));
  EXPECT_TRUE(there(named));
}

TEST_F(collecting, looks_at_a_bounded_number_in_one_step_and_seldom) {
  BlobPuts many;
  for (std::size_t i = 0; i < 5 * limits::blob_sweep_step; ++i)
    many.add_blobs()->set_bytes(std::to_string(i));
  blobs->ask(many);
  blobs->step(timer_fired{go_on_timer});
  settle();
  EXPECT_EQ(counted.plain().blobs.load(), 5 * limits::blob_sweep_step);
  pass(keep_time + keep_time / 4);
  EXPECT_EQ(questions, 5u);
  EXPECT_EQ(counted.plain().blobs.load(), 0u);
  EXPECT_LE(sweeps, 2u);
}
