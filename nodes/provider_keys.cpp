#include "nodes/provider_keys.hpp"

#include "config/limits/pacing.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace troupe {

namespace {

using steady = std::chrono::steady_clock;

/// Changes when the file does.
struct file_version {
  std::int64_t seconds = 0, nanoseconds = 0, size = -1;
  std::uint64_t inode = 0;
  bool operator==(const file_version&) const = default;
};

file_version version_of(const key_place& place) {
  struct stat seen {};
  if (::stat(place.what.c_str(), &seen) != 0)
    return {};
  return {seen.st_mtim.tv_sec, seen.st_mtim.tv_nsec, seen.st_size, seen.st_ino};
}

} // namespace

// -- what is known --------------------------------------------------------------------------------

struct provider_keys::held_key {
  provider_key from;
  file_version version;
  std::string key;
  std::string before;   ///< the last one that was another; a server may still speak of it
  std::string why;      ///< it cannot be used
  bool known = false;   ///< it has been read
  bool refused = false; ///< by the provider, as it is now
  unsigned status = 0;  ///< with which it was refused
  std::int64_t refused_ns = 0;
  std::int64_t turn = 0;            ///< the one with the highest is next
  steady::time_point waits_until{}; ///< the provider has said so (429)

  bool is_in_file() const { return from.place.where != key_place::sort::variable; }
  bool can_be_used() const { return known && !refused; }
  bool is_rested(steady::time_point now) const { return can_be_used() && waits_until <= now; }
  void take(outcome<std::string, std::string> read);
};

/// What was found at a key's place.
struct provider_keys::seen_key {
  std::size_t index = 0;
  key_place place;
  file_version version;                                   ///< before it was read
  std::optional<outcome<std::string, std::string>> found; ///< nothing: it is as it was
  bool known = false;                                     ///< that version
};

struct provider_keys::keys_of {
  enum class state : std::uint8_t {
    idle,    ///< nobody looks at its files
    looking, ///< a thread does; calls wait for it
    silent,  ///< it does for too long: calls go on with what was known before
  };
  state now = state::idle;
  std::vector<held_key> keys;
  std::uint64_t looks = 0;              ///< begun
  std::optional<steady::time_point> at; ///< when the last one had ended
  std::vector<taker> waiting;

  bool is_in_files() const {
    return std::any_of(keys.begin(), keys.end(), [](const auto& one) { return one.is_in_file(); });
  }
  /// Nobody has to look now.
  bool is_fresh(const options& how) const {
    auto usable =
        std::any_of(keys.begin(), keys.end(), [](const auto& one) { return one.can_be_used(); });
    return !is_in_files()
           || (at && steady::now() - *at < (usable ? how.look_every : how.retry_every));
  }
  bool has_rested() const {
    return std::any_of(keys.begin(), keys.end(),
                       [now = steady::now()](const auto& one) { return one.is_rested(now); });
  }
  result<std::optional<chosen>> pick(std::string_view provider);
};

struct provider_keys::shelf {
  std::mutex mutex; ///< of all that follows
  std::condition_variable told;
  std::map<std::string, keys_of, std::less<>> all;
  unsigned telling = 0; ///< threads that call takers
  bool closed = false;

  void found(const std::string& provider, std::vector<seen_key> seen);
  void out_of_time(const std::string& provider, std::uint64_t look);
  void tell(std::unique_lock<std::mutex> lock, const std::string& provider, keys_of& of);
};

void provider_keys::held_key::take(outcome<std::string, std::string> read) {
  if (!read) {
    known = false;
    why = read.error();
    return;
  }
  refused = refused && known && key == *read;
  known = true;
  if (!key.empty() && key != *read)
    before = key;
  key = *std::move(read);
}

/// Smooth weighted round robin, as nginx does it: each key gains its weight, the highest is used
/// and loses the sum of all weights. Those that were told to wait are left out while others are
/// there.
result<std::optional<provider_keys::chosen>>
provider_keys::keys_of::pick(std::string_view provider) {
  std::string why;
  std::int64_t sum = 0;
  held_key* best = nullptr;
  auto at_once = steady::now();
  bool leaves_out = has_rested();
  for (auto& one : keys) {
    if (!one.known)
      why = one.why;
    if (!one.can_be_used() || (leaves_out && !one.is_rested(at_once)))
      continue;
    sum += one.from.weight;
    one.turn += one.from.weight;
    if (!best || one.turn > best->turn)
      best = &one;
  }
  if (!best)
    return fail(ec::unavailable,
                "provider " + std::string(provider) + " has no key that can be used: "
                    + (why.empty()
                           ? "it has refused " + std::string(keys.size() == 1 ? "it" : "all")
                                 + "; a new key is taken from the same place"
                           : why));
  best->turn -= sum;
  return std::optional{chosen{static_cast<std::size_t>(best - keys.data()), best->key}};
}

// -- a look ---------------------------------------------------------------------------------------

void provider_keys::shelf::found(const std::string& provider, std::vector<seen_key> seen) {
  std::unique_lock lock{mutex};
  auto& of = all.find(provider)->second;
  for (auto& one : seen) {
    auto& held = of.keys[one.index];
    held.version = one.version;
    if (one.found)
      held.take(*std::move(one.found));
  }
  of.now = keys_of::state::idle;
  of.at = steady::now();
  tell(std::move(lock), provider, of);
}

void provider_keys::shelf::out_of_time(const std::string& provider, std::uint64_t look) {
  std::unique_lock lock{mutex};
  auto& of = all.find(provider)->second;
  if (of.looks != look || of.now != keys_of::state::looking)
    return;
  of.now = keys_of::state::silent;
  for (auto& one : of.keys)
    if (one.is_in_file() && !one.known)
      one.why = one.from.place.what + " cannot be read: its file system does not answer";
  tell(std::move(lock), provider, of);
}

/// Gives those who wait for that provider its keys.
void provider_keys::shelf::tell(std::unique_lock<std::mutex> lock, const std::string& provider,
                                keys_of& of) {
  std::vector<std::pair<taker, result<std::optional<chosen>>>> given;
  for (auto& then : std::exchange(of.waiting, {}))
    given.emplace_back(std::move(then), of.pick(provider));
  if (closed || given.empty())
    return;
  ++telling;
  lock.unlock();
  for (auto& [then, key] : given)
    then(std::move(key));
  given.clear();
  lock.lock();
  --telling;
  told.notify_all();
}

/// Begins one.
void provider_keys::look(std::unique_lock<std::mutex> lock, std::string_view provider,
                         keys_of& of) {
  of.now = keys_of::state::looking;
  auto number = ++of.looks;
  std::vector<seen_key> todo;
  for (std::size_t i = 0; i < of.keys.size(); ++i)
    if (const auto& one = of.keys[i]; one.is_in_file())
      todo.push_back({i, one.from.place, one.version, std::nullopt, one.known});
  lock.unlock();
  auto work = [shelf = shelf_, title = std::string(provider), read = how_.read, todo]() mutable {
    for (auto& one : todo) {
      auto version = version_of(one.place);
      if (!one.known || version != one.version)
        one.found = read(one.place, title, one.index);
      one.version = version;
    }
    shelf->found(title, std::move(todo));
  };
  try {
    later_.after(how_.read_within, [shelf = shelf_, title = std::string(provider), number] {
      shelf->out_of_time(title, number);
    });
    std::thread{std::move(work)}.detach();
  } catch (const std::system_error& error) {
    for (auto& one : todo)
      one.found = unexpected{one.place.what + " cannot be read: " + error.what()};
    shelf_->found(std::string(provider), std::move(todo));
  }
}

// -- for everybody --------------------------------------------------------------------------------

provider_keys::provider_keys(const models_catalog& all, std::shared_ptr<log_sink> log)
    : provider_keys(all, std::move(log), options{}) {}

provider_keys::provider_keys(const models_catalog& all, std::shared_ptr<log_sink> log, options how)
    : how_(std::move(how)), log_(std::move(log)), shelf_(std::make_shared<shelf>()) {
  for (const auto& one : all.providers) {
    auto& of = shelf_->all[one.name];
    for (const auto& key : one.keys) {
      auto& held = of.keys.emplace_back();
      held.from = key;
      if (!held.is_in_file())
        held.take(read_key(key.place, one.name, of.keys.size() - 1));
    }
  }
}

provider_keys::~provider_keys() { close(); }

void provider_keys::close() {
  std::vector<taker> dropped;
  std::unique_lock lock{shelf_->mutex};
  shelf_->closed = true;
  for (auto& [title, of] : shelf_->all)
    for (auto& then : std::exchange(of.waiting, {}))
      dropped.push_back(std::move(then));
  shelf_->told.wait(lock, [this] { return shelf_->telling == 0; });
  lock.unlock();
}

void provider_keys::next(std::string_view provider, taker then) {
  std::unique_lock lock{shelf_->mutex};
  auto found = shelf_->all.find(provider);
  if (found == shelf_->all.end() || found->second.keys.empty()) {
    lock.unlock();
    return then(std::optional<chosen>{});
  }
  auto& of = found->second;
  if (of.now == keys_of::state::silent || of.is_fresh(how_)) {
    auto picked = of.pick(provider);
    lock.unlock();
    return then(std::move(picked));
  }
  of.waiting.push_back(std::move(then));
  if (of.now == keys_of::state::idle)
    look(std::move(lock), provider, of);
}

void provider_keys::refused(std::string_view provider, const chosen& which, unsigned status) {
  std::string place;
  {
    std::lock_guard guard{shelf_->mutex};
    auto found = shelf_->all.find(provider);
    if (found == shelf_->all.end() || which.index >= found->second.keys.size())
      return;
    auto& one = found->second.keys[which.index];
    if (one.key != which.key || std::exchange(one.refused, true))
      return; // another one is there by now, or it is told already
    one.status = status;
    one.refused_ns = std::chrono::system_clock::now().time_since_epoch().count();
    place = one.from.place.what;
  }
  log_->write({log_level::warning,
               "models",
               "provider " + std::string(provider) + " has refused the key from " + place
                   + " (status " + std::to_string(status)
                   + "): it is not used again until it has changed",
               {}});
}

void provider_keys::told_to_wait(std::string_view provider, const chosen& which,
                                 std::optional<std::chrono::milliseconds> how_long) {
  std::lock_guard guard{shelf_->mutex};
  auto found = shelf_->all.find(provider);
  if (found == shelf_->all.end() || which.index >= found->second.keys.size())
    return;
  auto& one = found->second.keys[which.index];
  if (one.key != which.key)
    return; // another one is there by now
  auto until = steady::now()
               + std::min<std::chrono::milliseconds>(how_long.value_or(limits::pace_pause),
                                                     limits::retry_after_max);
  one.waits_until = std::max(one.waits_until, until);
}

bool provider_keys::has_rested(std::string_view provider) const {
  std::lock_guard guard{shelf_->mutex};
  auto found = shelf_->all.find(provider);
  return found != shelf_->all.end() && found->second.keys.size() > 1 && found->second.has_rested();
}

std::vector<http_port::refused_key> provider_keys::taken_out(std::string_view provider) {
  std::vector<http_port::refused_key> out;
  std::unique_lock lock{shelf_->mutex};
  auto found = shelf_->all.find(provider);
  if (found == shelf_->all.end())
    return out;
  auto& of = found->second;
  for (const auto& one : of.keys)
    if (one.refused)
      out.push_back({one.from.place.what, one.status, one.refused_ns});
  if (!out.empty() && of.now == keys_of::state::idle && !of.is_fresh(how_))
    look(std::move(lock), provider, of);
  return out;
}

std::string provider_keys::without_keys(std::string_view provider, std::string text) const {
  std::vector<std::string> keys;
  {
    std::lock_guard guard{shelf_->mutex};
    auto found = shelf_->all.find(provider);
    if (found == shelf_->all.end())
      return text;
    for (const auto& one : found->second.keys)
      for (const auto& key : {one.key, one.before})
        keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end(), // one may be the beginning of another
            [](const auto& a, const auto& b) { return a.size() > b.size(); });
  for (const auto& key : keys)
    text = without_key(std::move(text), key);
  return text;
}

} // namespace troupe
