#include "actors/reading/reading_times.hpp"

#include "config/limits/reading.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace troupe {

namespace {

std::int64_t nanoseconds(instant at) { return at.time_since_epoch().count(); }

} // namespace

void reading_times::waited(instant until, std::uint64_t size_bytes, const BlobFound& found,
                           const std::optional<failure>& why) {
  bool has_room = static_cast<std::size_t>(made_.waits_size()) < limits::reading_waits_told_max;
  if (!sampled_ || until <= wanted_since_ || !has_room)
    return;
  auto& wait = *made_.add_waits();
  wait.set_from_ns(nanoseconds(wanted_since_));
  wait.set_until_ns(nanoseconds(until));
  wait.set_size_bytes(size_bytes);
  *wait.mutable_found() = found;
  if (why)
    *wait.mutable_why() = to_proto(*why);
}

void reading_times::worked(instant from, instant until) {
  if (!sampled_ || from == instant{})
    return;
  auto began =
      made_.began_ns() == 0 ? nanoseconds(from) : std::min(made_.began_ns(), nanoseconds(from));
  made_.set_began_ns(began);
  made_.set_work_ns(made_.work_ns() + (until - from).count());
}

void reading_times::looked_at(std::size_t passages) {
  made_.set_passages(static_cast<std::uint32_t>(passages));
}

void reading_times::chose(const ReadingAnswer& answer) {
  if (!sampled_)
    return;
  // One passage may be central and answer the question: it is in two prompts, and chosen once.
  std::set<std::pair<std::string_view, std::string_view>> passages;
  for (auto* some :
       {&answer.read().central(), &answer.read().answering(), &answer.gathered().excerpts()})
    for (const auto& one : *some)
      passages.emplace(one.source(), one.text());
  made_.set_chosen(static_cast<std::uint32_t>(passages.size()));
}

ReadingTimes reading_times::take(int documents) {
  made_.set_documents(static_cast<std::uint32_t>(documents));
  return std::exchange(made_, {});
}

} // namespace troupe
