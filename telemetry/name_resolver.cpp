#include "telemetry/name_resolver.hpp"

#include "config/limits/http_client.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace troupe {

namespace {

struct list_closer {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

std::string numeric(const addrinfo& of) {
  char text[NI_MAXHOST] = "";
  if (::getnameinfo(of.ai_addr, of.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0)
    return {};
  return text;
}

} // namespace

result<name_addresses> look_up_name(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* first = nullptr;
  auto error = ::getaddrinfo(host.c_str(), nullptr, &wanted, &first);
  std::unique_ptr<addrinfo, list_closer> list{error == 0 ? first : nullptr};
  if (error == EAI_NONAME || error == EAI_NODATA)
    return fail(ec::not_found, "there is no host called " + host);
  if (error != 0)
    return fail(ec::unavailable,
                "the name " + host + " cannot be looked up: " + ::gai_strerror(error));
  name_addresses found;
  for (auto each = list.get(); each && found.size() < limits::name_addresses_max;
       each = each->ai_next)
    if (auto text = numeric(*each);
        !text.empty() && std::find(found.begin(), found.end(), text) == found.end())
      found.push_back(std::move(text));
  if (found.empty())
    return fail(ec::not_found, "the host " + host + " has no address");
  return found;
}

/// What the threads and the one who asks share.
struct name_resolver::pool {
  std::mutex mutex;
  std::condition_variable work;
  name_lookup look_up;
  std::function<void()> wake; ///< empty once the resolver is gone
  std::deque<std::string> waiting;
  std::vector<found> answers;
  std::size_t threads = 0;
  std::size_t idle = 0;

  static bool ask(const std::shared_ptr<pool>& self, const std::string& host);
  void answer(std::unique_lock<std::mutex>& lock, found what);
  void run();
};

/// False if too many names wait, or no thread can be had.
bool name_resolver::pool::ask(const std::shared_ptr<pool>& self, const std::string& host) {
  std::lock_guard lock{self->mutex};
  if (self->waiting.size() >= limits::names_waiting_max)
    return false;
  self->waiting.push_back(host);
  self->work.notify_one();
  if (self->idle >= self->waiting.size() || self->threads >= limits::name_threads_max)
    return true;
  try {
    std::thread{[self] { self->run(); }}.detach();
    ++self->threads;
  } catch (const std::system_error&) {
    if (self->threads == 0) {
      self->waiting.pop_back();
      return false;
    }
  }
  return true;
}

void name_resolver::pool::answer(std::unique_lock<std::mutex>& lock, found what) {
  lock.lock();
  answers.push_back(std::move(what));
  if (wake) // under the lock: who is woken must still be there
    wake();
}

void name_resolver::pool::run() {
  std::unique_lock lock{mutex};
  for (;;) {
    ++idle;
    bool has_work =
        work.wait_for(lock, limits::name_thread_idle, [this] { return !waiting.empty() || !wake; });
    --idle;
    if (!has_work || !wake) {
      --threads;
      return;
    }
    auto host = std::move(waiting.front());
    waiting.pop_front();
    lock.unlock();
    auto addresses = look_up(host);
    answer(lock, {std::move(host), std::move(addresses)});
  }
}

name_resolver::name_resolver(name_lookup look_up, std::function<void()> wake)
    : pool_(std::make_shared<pool>()) {
  pool_->look_up = std::move(look_up);
  pool_->wake = std::move(wake);
}

name_resolver::~name_resolver() {
  std::lock_guard lock{pool_->mutex};
  pool_->wake = nullptr;
  pool_->work.notify_all();
}

std::optional<name_addresses> name_resolver::find(const std::string& host, clock::time_point now) {
  if (names_.size() >= limits::host_names_kept_max && !names_.contains(host))
    make_room();
  auto& entry = names_[host];
  if (!entry.asked && now >= entry.until) {
    entry.asked = pool::ask(pool_, host);
    if (!entry.asked && entry.addresses.empty()) {
      std::lock_guard lock{pool_->mutex};
      pool_->answers.push_back({host, fail(ec::overloaded, "too many names are being looked up")});
      pool_->wake();
    }
  }
  if (entry.addresses.empty())
    return std::nullopt;
  return entry.addresses;
}

std::vector<name_resolver::found> name_resolver::take(clock::time_point now) {
  std::vector<found> came;
  {
    std::lock_guard lock{pool_->mutex};
    came.swap(pool_->answers);
  }
  for (const auto& each : came) {
    auto& entry = names_[each.host];
    entry.asked = false;
    entry.until = now + limits::name_lifetime;
    if (each.addresses)
      entry.addresses = *each.addresses;
    else if (each.addresses.error().code == ec::not_found || entry.addresses.empty())
      names_.erase(each.host);
  }
  return came;
}

/// Forgets a name that nobody waits for.
void name_resolver::make_room() {
  auto old = std::find_if(names_.begin(), names_.end(),
                          [](const auto& entry) { return !entry.second.asked; });
  if (old != names_.end())
    names_.erase(old);
}

} // namespace troupe
