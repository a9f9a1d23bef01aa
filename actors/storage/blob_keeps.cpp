#include "actors/storage/blob_keeps.hpp"

#include "config/limits/storage.hpp"

#include <algorithm>

namespace troupe {

void blob_keeps::begin(step_context& context, envelope request, std::vector<BlobRef> missing) {
  waiting_.emplace(++last_, keep{std::move(request), std::move(missing)});
  fetch_more(context);
}

/// The oldest requests get the available room.
void blob_keeps::fetch_more(step_context& context) {
  std::size_t at_work = 0;
  for (auto at = waiting_.begin();
       at != waiting_.end() && at_work < limits::blob_keeps_at_once_max;) {
    auto one = at++;
    auto& wanted = one->second;
    std::optional<failure> why;
    while (!wanted.missing.empty() && wanted.on_their_way < limits::blob_keep_fetches_max && !why) {
      blob_fetches::waiter next;
      next.blob = wanted.missing.back();
      next.holder = node_from_bytes(next.blob.holder());
      next.request = head_of(wanted.request);
      next.keep = one->first;
      why = fetches_.wait(context, next);
      if (why)
        break;
      wanted.missing.pop_back();
      ++wanted.on_their_way;
    }
    if (wanted.on_their_way > 0)
      ++at_work; // room is made when what is on its way arrives
    else
      end(one, std::move(why));
  }
}

void blob_keeps::arrived(step_context& context, std::uint64_t number) {
  if (auto found = waiting_.find(number); found != waiting_.end())
    --found->second.on_their_way;
  fetch_more(context);
}

void blob_keeps::failed(step_context& context, std::uint64_t number, const BlobRef& blob,
                        const failure& why) {
  if (auto found = waiting_.find(number); found != waiting_.end())
    end(found, failure{why.code, label_of(blob) + " cannot be had: " + why.message});
  fetch_more(context);
}

bool blob_keeps::give_up(step_context& context, const envelope& request) {
  auto given_up = std::erase_if(waiting_, [&](const auto& one) {
    return one.second.request.id == request.id && one.second.request.sender == request.sender;
  });
  fetch_more(context);
  return given_up > 0;
}

void blob_keeps::end(table::iterator done, std::optional<failure> why) {
  ended_.push_back({std::move(done->second.request), std::move(why)});
  waiting_.erase(done);
}

void blob_keeps::stop() {
  while (!waiting_.empty())
    end(waiting_.begin(), failure{ec::unavailable, "this node is stopping"});
}

} // namespace troupe
