#include "actors/reading/document_shelf.hpp"

#include "config/limits/reading.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe {

document_shelf::document_shelf(sizes given) {
  rooms_[0].bytes = rooms_[0].kept = given.small;
  rooms_[1].bytes = given.large;
  rooms_[1].kept = given.kept;
}

std::shared_ptr<const document> document_shelf::take(const BlobRef& blob, who reader) {
  auto [found, fresh] = places_.try_emplace(blob.sha256());
  auto& there = found->second;
  if (there.at == phase::here && there.users.empty()) {
    there.in->unused_bytes -= there.bytes;
    there.in->unused.erase(there.unused);
  }
  there.users.push_back(reader);
  if (fresh) {
    there.blob = blob;
    there.in = &rooms_[blob.size_bytes() > limits::small_document_bytes_max ? 1 : 0];
    there.bytes = limits::reading_memory_factor * blob.size_bytes();
    there.in->waiting.push_back(found->first);
  }
  return there.made;
}

void document_shelf::give_back(const std::string& hash, who reader, instant now) {
  auto found = places_.find(hash);
  if (found == places_.end())
    return;
  auto& there = found->second;
  auto one = std::find(there.users.begin(), there.users.end(), reader);
  if (one == there.users.end())
    return;
  there.users.erase(one);
  if (!there.users.empty())
    return;
  if (there.at == phase::here) {
    put_aside(found, now);
  } else if (there.at == phase::waiting) {
    std::erase(there.in->waiting, hash);
    places_.erase(found);
  }
}

std::vector<BlobRef> document_shelf::admit() {
  std::vector<BlobRef> admitted;
  for (auto& of : rooms_) {
    while (!of.waiting.empty() && make_room(places_.at(of.waiting.front()))) {
      auto& next = places_.at(of.waiting.front());
      next.at = phase::coming;
      of.used += next.bytes;
      admitted.push_back(next.blob);
      of.waiting.pop_front();
    }
  }
  return admitted;
}

/// Whether `wanted` may come. A document that has all the room to itself may always come.
bool document_shelf::make_room(const shelved& wanted) {
  auto& of = *wanted.in;
  while (of.used + wanted.bytes > of.bytes && !of.unused.empty())
    drop_last(of);
  return of.used == 0 || of.used + wanted.bytes <= of.bytes;
}

void document_shelf::arrived(const std::string& hash, std::uint64_t bytes) {
  auto& there = places_.at(hash);
  assert(there.at == phase::coming);
  there.in->used -= there.bytes;
  there.bytes = limits::reading_memory_factor * bytes;
  there.in->used += there.bytes;
}

bool document_shelf::wanted(const std::string& hash) const {
  auto found = places_.find(hash);
  return found != places_.end() && !found->second.users.empty();
}

std::vector<document_shelf::who> document_shelf::readers(const std::string& hash) const {
  auto found = places_.find(hash);
  return found == places_.end() ? std::vector<who>{} : found->second.users;
}

void document_shelf::again(const std::string& hash) {
  auto found = places_.find(hash);
  auto& there = found->second;
  assert(there.at == phase::coming);
  there.in->used -= there.bytes;
  if (there.users.empty()) {
    places_.erase(found);
    return;
  }
  there.at = phase::waiting;
  there.in->waiting.push_back(hash);
}

std::vector<document_shelf::who>
document_shelf::stands(const std::string& hash, std::shared_ptr<const document> made, instant now) {
  auto found = places_.find(hash);
  auto& there = found->second;
  assert(there.at == phase::coming);
  there.in->used -= there.bytes;
  there.bytes = made->memory();
  there.in->used += there.bytes;
  there.made = std::move(made);
  there.at = phase::here;
  auto told = there.users;
  if (told.empty())
    put_aside(found, now);
  return told;
}

std::vector<document_shelf::who> document_shelf::missing(const std::string& hash) {
  auto found = places_.find(hash);
  assert(found->second.at == phase::coming);
  found->second.in->used -= found->second.bytes;
  auto told = std::move(found->second.users);
  places_.erase(found);
  return told;
}

void document_shelf::put_aside(shelved_documents::iterator left, instant now) {
  auto& there = left->second;
  auto& of = *there.in;
  there.used = now;
  of.unused.push_front(left->first);
  there.unused = of.unused.begin();
  of.unused_bytes += there.bytes;
  while (of.unused_bytes > of.kept || of.unused.size() > limits::documents_kept_max)
    drop_last(of);
}

void document_shelf::drop_last(room& of) {
  auto last = places_.find(of.unused.back());
  of.used -= last->second.bytes;
  of.unused_bytes -= last->second.bytes;
  of.unused.pop_back();
  places_.erase(last);
}

std::optional<instant> document_shelf::drop_unused(instant since) {
  std::optional<instant> next;
  for (auto& of : rooms_) {
    while (!of.unused.empty() && places_.at(of.unused.back()).used <= since)
      drop_last(of);
    if (!of.unused.empty()) {
      auto used = places_.at(of.unused.back()).used;
      next = next ? std::min(*next, used) : used;
    }
  }
  return next;
}

} // namespace troupe
