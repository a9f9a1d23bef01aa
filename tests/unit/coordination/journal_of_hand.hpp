#pragma once

#include "actors/coordination/coordinator_logic.hpp"
#include "messages/journal.pb.h"
#include "messages/runs.pb.h"
#include "tests/unit/coordination/hand.hpp"

#include <map>
#include <string>
#include <vector>

namespace troupe::tests {

/// service::journal as a test plays it: it writes when it is told to.
class journal_of_hand {
public:
  std::map<std::string, std::vector<RunEvent>> runs; ///< by the bytes of their ids

  /// Answers all that an owner asks, and what it asks because of that.
  void answer(hand& owner) {
    while (answer_one(owner, true))
      continue;
  }
  /// The same, but it writes nothing yet.
  void answer_questions(hand& owner) {
    while (answer_one(owner, false))
      continue;
  }
  /// Answers what an owner has sent first to be written: it does not write that.
  static void refuse(hand& owner, ec why) {
    auto appends = owner.take_envelopes<JournalAppend>();
    ASSERT_FALSE(appends.empty());
    for (std::size_t i = 1; i < appends.size(); ++i)
      owner.out.sends.push_back(std::move(appends[i]));
    owner.give(reply_failure(appends[0], {why, "no space"}));
  }

  /// What the owner has sent to be written, oldest first. It stays unwritten.
  static std::vector<RunEvent> unwritten(hand& owner) {
    std::vector<RunEvent> all;
    for (auto& sent : owner.out.sends)
      if (auto append = sent.body.as<JournalAppend>())
        for (const auto& entry : append->entries())
          all.push_back(event_in(entry.event()));
    return all;
  }

  bool has_ended(const std::string& run) const {
    auto found = runs.find(run);
    return found != runs.end() && found->second.back().has_finished();
  }

private:
  static RunEvent event_in(const std::string& bytes) {
    RunEvent event;
    EXPECT_TRUE(event.ParseFromString(bytes));
    return event;
  }

  bool answer_one(hand& owner, bool writes) {
    for (auto at = owner.out.sends.begin(); at != owner.out.sends.end(); ++at) {
      if (at->target.what != address::kind::service || at->target.svc != service::journal
          || (!writes && at->body.kind() == payload_kind::JournalAppend))
        continue;
      auto asked = std::move(*at);
      owner.out.sends.erase(at);
      owner.give(reply(asked));
      return true;
    }
    return false;
  }

  envelope reply(envelope& asked) {
    if (auto append = asked.body.as<JournalAppend>()) {
      for (const auto& entry : append->entries())
        runs[entry.run()].push_back(event_in(entry.event()));
      return reply_to(asked, JournalWritten{});
    }
    if (asked.body.as<JournalOpenAsked>()) {
      JournalOpen open;
      for (const auto& [run, events] : runs)
        if (!has_ended(run))
          open.add_runs(run);
      return reply_to(asked, std::move(open));
    }
    if (auto read = asked.body.as<JournalRead>())
      return page(asked, *read);
    if (auto find = asked.body.as<JournalFind>()) {
      JournalRun found;
      for (const auto& [run, events] : runs) {
        const auto& began = events.front().began();
        if (find->session() ? began.session() == find->session() && began.number() == find->number()
                            : began.key() == find->key() && began.tenant() == find->tenant())
          found.set_run(run);
      }
      return reply_to(asked, std::move(found));
    }
    if (asked.body.as<JournalEndedAsked>()) {
      RunsFound found;
      for (const auto& [run, events] : runs)
        if (has_ended(run))
          *found.add_runs() = events.back().finished().summary();
      return reply_to(asked, std::move(found));
    }
    if (auto gone = asked.body.as<JournalDelete>()) {
      if (!has_ended(gone->run()))
        return reply_failure(asked, {ec::invalid_argument, "it goes on"});
      runs.erase(gone->run());
      RunDeleted done;
      done.set_run(gone->run());
      return reply_to(asked, std::move(done));
    }
    ADD_FAILURE() << "the journal takes no such message";
    return reply_failure(asked, {ec::bad_message, "no such message"});
  }

  /// Two events to a page, so that each longer run takes several.
  envelope page(const envelope& asked, const JournalRead& read) const {
    auto found = runs.find(read.run());
    if (found == runs.end() || (read.last() && !has_ended(read.run())))
      return reply_failure(asked, {ec::not_found, "no such run"});
    const auto& events = found->second;
    JournalRecords made;
    made.set_run(read.run());
    auto first = read.last() ? events.size() - 1 : static_cast<std::size_t>(read.after());
    made.set_first(first);
    for (auto i = first; i < std::min(first + 2, events.size()); ++i)
      made.add_events(events[i].SerializeAsString());
    made.set_more(first + 2 < events.size());
    return reply_to(asked, std::move(made));
  }
};

} // namespace troupe::tests
