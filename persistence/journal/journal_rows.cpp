#include "persistence/journal/journal_rows.hpp"

#include "config/limits/storage.hpp"
#include "messages/value_blobs.hpp"
#include "persistence/journal/journal_event.hpp"

#include <algorithm>

namespace troupe {

result<void> journal_rows::check(std::span<const journal_entry> entries) const {
  std::map<std::string_view, std::pair<bool, bool>> known; // has begun, is over
  for (const auto& [id, event] : entries) {
    auto [at, is_new] = known.try_emplace(id);
    auto& [there, over] = at->second;
    if (auto found = runs_.find(id); is_new && found != runs_.end())
      at->second = {true, found->second.ended.has_value()};
    if (auto fits = check_entry(id, event, there, over); !fits)
      return fits;
    auto place = place_of(event);
    there = true;
    over = place == event_place::last;
    if (place == event_place::first) {
      if (auto read = read_began(event); !read)
        return unexpected{std::move(read).error()};
    } else if (over) {
      if (auto read = read_finished(event); !read)
        return unexpected{std::move(read).error()};
    }
  }
  return {};
}

void journal_rows::add(std::span<const journal_entry> entries) {
  for (const auto& [id, event] : entries) {
    std::string run{id};
    auto& known = runs_[run];
    known.events.emplace_back(event);
    auto place = place_of(event);
    if (place == event_place::first) {
      auto began = *read_began(event);
      if (!began.key().empty())
        by_key_[{began.tenant(), began.key()}] = id;
      if (began.session() != 0)
        by_submission_[{began.session(), began.number()}] = id;
      each_blob_of(began.inputs(), [&](const BlobRef& blob) {
        known.blobs.insert(blob.sha256());
        by_blob_[blob.sha256()].emplace(run);
        return true;
      });
    } else if (place == event_place::last) {
      known.ended = read_finished(event)->summary();
      known.ended->set_run(std::string{id});
      ends_.emplace(end_time_of(*known.ended), id);
    }
  }
}

std::vector<std::string> journal_rows::open_runs() const {
  std::vector<std::string> found;
  for (const auto& [id, known] : runs_)
    if (!known.ended)
      found.push_back(id);
  return found;
}

std::optional<journal_page> journal_rows::read(std::string_view run, std::uint64_t after,
                                               std::uint64_t bytes_max) const {
  auto found = runs_.find(run);
  if (found == runs_.end())
    return std::nullopt;
  const auto& events = found->second.events;
  journal_page made;
  made.first = after + 1;
  std::uint64_t bytes = 0;
  for (auto i = after; i < events.size(); ++i) {
    bytes += events[i].size();
    if (!made.events.empty() && bytes > bytes_max) {
      made.more = true;
      break;
    }
    made.events.push_back(events[i]);
  }
  return made;
}

std::optional<std::string> journal_rows::last(std::string_view run) const {
  auto found = runs_.find(run);
  if (found == runs_.end() || !found->second.ended)
    return std::nullopt;
  return found->second.events.back();
}

RunsFound journal_rows::ended(RunPhase phase, std::string_view prefix, std::size_t at_most) const {
  RunsFound found;
  for (auto at = ends_.rbegin(); at != ends_.rend(); ++at) {
    const auto& summary = *runs_.find(at->second)->second.ended;
    if (!is_asked_for(summary, phase, prefix))
      continue;
    if (static_cast<std::size_t>(found.runs_size()) >= at_most) {
      found.set_more(true);
      break;
    }
    *found.add_runs() = summary;
  }
  return found;
}

std::optional<std::string> journal_rows::find(std::string_view tenant, std::string_view key) const {
  auto found = by_key_.find({std::string{tenant}, std::string{key}});
  return found == by_key_.end() ? std::nullopt : std::optional{found->second};
}

std::optional<std::string> journal_rows::find(std::uint64_t session, std::uint64_t number) const {
  auto found = by_submission_.find({session, number});
  return found == by_submission_.end() ? std::nullopt : std::optional{found->second};
}

journal_removal journal_rows::can_remove(std::string_view run) const {
  auto found = runs_.find(run);
  if (found == runs_.end())
    return journal_removal::not_found;
  return found->second.ended ? journal_removal::removed : journal_removal::goes_on;
}

void journal_rows::remove(std::string_view run) {
  auto found = runs_.find(run);
  if (found == runs_.end() || !found->second.ended)
    return;
  ends_.erase({end_time_of(*found->second.ended), found->first});
  std::erase_if(by_key_, [&](const auto& one) { return one.second == run; });
  std::erase_if(by_submission_, [&](const auto& one) { return one.second == run; });
  for (const auto& hash : found->second.blobs) {
    auto named = by_blob_.find(hash);
    named->second.erase(found->first);
    if (named->second.empty())
      by_blob_.erase(named);
  }
  runs_.erase(found);
}

std::vector<std::string> journal_rows::blobs_of_only(std::span<const std::string> runs) const {
  std::set<std::string> gone(runs.begin(), runs.end()), found;
  for (const auto& run : runs)
    if (auto known = runs_.find(run); known != runs_.end())
      for (const auto& hash : known->second.blobs) {
        const auto& named = by_blob_.find(hash)->second;
        if (std::includes(gone.begin(), gone.end(), named.begin(), named.end()))
          found.insert(hash);
      }
  return {found.begin(), found.end()};
}

std::vector<std::string> journal_rows::older_than(std::int64_t before_ms,
                                                  std::size_t at_most) const {
  std::vector<std::string> found;
  for (auto at = ends_.begin();
       at != ends_.end() && at->first < before_ms && found.size() < at_most; ++at)
    found.push_back(at->second);
  return found;
}

} // namespace troupe
