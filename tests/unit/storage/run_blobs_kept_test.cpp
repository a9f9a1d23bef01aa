#include "actors/storage/blob_timers.hpp"
#include "actors/storage/blobs_logic.hpp"
#include "actors/storage/journal_logic.hpp"
#include "actors/storage/state_logic.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"
#include "persistence/sha256.hpp"

#include "tests/unit/storage/stage.hpp"

#include <memory>
#include <string>
#include <utility>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

constexpr node_id own_node{1, 1};
constexpr std::chrono::nanoseconds kept_time = 1h, retention = 168h;

/// service::blobs, service::state and service::journal of one node, on simulated time.
class run_files : public testing::Test {
protected:
  run_files() {
    settle();
    journal.step(timer_fired{cut_timer});
    settle();
  }

  static constexpr std::uint32_t cut_timer = 2; ///< of service::journal

  static std::unique_ptr<logic> make_blobs(metrics& counted) {
    blobs_logic::options options;
    options.keep = kept_time;
    options.has_journal = true;
    return std::make_unique<blobs_logic>(make_memory_blob_store(), counted, options);
  }
  static std::unique_ptr<logic> make_journal(metrics& counted) {
    journal_logic::options options;
    options.retention = retention;
    return std::make_unique<journal_logic>(make_memory_journal(make_journal_medium()), counted,
                                           options);
  }

  /// Carries messages between the three, until nothing is left to do now.
  void settle() {
    for (bool moved = true; std::exchange(moved, false);) {
      for (auto from : {&blobs, &states, &journal})
        for (auto& message : from->take())
          if (message.target.what == address::kind::service)
            if (auto to = stage_of(message.target.svc)) {
              moved = true;
              to->step(std::move(message));
            }
      for (auto& timer : std::exchange(blobs.out.timers, {}))
        if (timer.id == go_on_timer) {
          moved = true;
          blobs.step(timer_fired{go_on_timer});
        }
    }
  }
  stage* stage_of(service which) {
    switch (which) {
      case service::blobs:
        return &blobs;
      case service::state:
        return &states;
      case service::journal:
        return &journal;
      default:
        return nullptr;
    }
  }
  /// Lets time pass, and each service looks at what is over.
  void pass(std::chrono::nanoseconds time) {
    blobs.now += time;
    states.now = journal.now = blobs.now;
    journal.step(timer_fired{cut_timer});
    settle();
    blobs.step(timer_fired{sweep_timer});
    settle();
  }
  void store(const std::string& bytes) {
    BlobPut put;
    put.set_bytes(bytes);
    auto asked = blobs.ask(put);
    blobs.step(timer_fired{go_on_timer});
    EXPECT_TRUE(blobs.reply_to_client(asked));
    settle();
  }
  /// How many blobs there are.
  std::uint64_t there() { return counted.plain().blobs.load(); }

  void write(char run, const RunEvent& event) {
    JournalAppend made;
    auto entry = made.add_entries();
    entry->set_run(std::string(limits::run_id_bytes, run));
    entry->set_event(event.SerializeAsString());
    EXPECT_EQ(code_of(journal.reply_to_client(journal.ask(made))), ec::none);
    settle();
  }
  void begin(char run, const std::string& bytes) {
    RunEvent event;
    (*event.mutable_began()->mutable_inputs())["file"].mutable_blob()->set_sha256(sha256(bytes));
    write(run, event);
  }
  void end(char run) {
    RunEvent event;
    auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(blobs.now.time_since_epoch());
    event.mutable_finished()->mutable_summary()->set_ended_ms(ms.count());
    write(run, event);
  }

  metrics counted;
  stage blobs{make_blobs(counted), address::of(service::blobs, own_node), 1};
  stage states{std::make_unique<state_logic>(make_memory_state_store()),
               address::of(service::state, own_node), 2};
  stage journal{make_journal(counted), address::of(service::journal, own_node), 3};
};

} // namespace

TEST_F(run_files, stay_as_long_as_the_journal_has_a_run_that_names_them) {
  store("one");
  store("both");
  store("nobody's");
  begin('a', "one");
  begin('b', "both");
  begin('c', "both");
  EXPECT_EQ(there(), 3u);
  pass(2 * kept_time);
  EXPECT_EQ(there(), 2u);
  end('a');
  end('b');
  pass(retention - 1h);
  EXPECT_EQ(there(), 2u) << "runs that have ended are kept, and may be repeated";
  pass(2h);
  EXPECT_EQ(there(), 2u) << "kept for a while after the run was forgotten";
  pass(2 * kept_time);
  EXPECT_EQ(there(), 1u) << "the other is named by a run that goes on";
  end('c');
  JournalDelete gone;
  gone.set_run(std::string(limits::run_id_bytes, 'c'));
  journal.ask(gone);
  settle();
  pass(2 * kept_time);
  EXPECT_EQ(there(), 0u);
}

TEST_F(run_files, are_not_deleted_while_the_journal_does_not_answer) {
  store("one");
  blobs.now += 2 * kept_time;
  blobs.step(timer_fired{sweep_timer});
  blobs.step(timer_fired{go_on_timer});
  auto asked = blobs.take();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].target.svc, service::state);
  states.step(std::move(asked[0]));
  auto answers = states.take();
  ASSERT_EQ(answers.size(), 1u);
  blobs.step(std::move(answers[0]));
  blobs.step(timer_fired{go_on_timer});
  asked = blobs.take();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].target.svc, service::journal);
  blobs.step(timer_fired{sweep_timer}); // it took too long
  settle();
  EXPECT_EQ(there(), 1u);
}
