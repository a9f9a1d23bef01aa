#include "telemetry/http_loop.hpp"

#include "config/base/file_handle.hpp"
#include "telemetry/http_group.hpp"
#include "telemetry/http_transfer.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace troupe {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::uint64_t wake_mark = ~std::uint64_t{0}; ///< of the eventfd, among epoll's events
constexpr int events_max = 256;                        ///< of one wait

/// No line of a caller may become two, and none may end a head.
bool is_header(const std::string& line) {
  return line.find(':') != line.npos
         && line.find_first_of(std::string_view{"\r\n\0", 3}) == line.npos;
}

struct start_order {
  http_call_id id;
  http_call what;
  http_callbacks callbacks;
  http_target target;
};
struct cancel_order {
  http_call_id id;
};
struct pause_order {
  http_call_id id;
};
struct resume_order {
  http_call_id id;
};
struct stop_order {};
using order = std::variant<start_order, cancel_order, pause_order, resume_order, stop_order>;

} // namespace

struct http_loop::impl {
  explicit impl(options with) : how(std::move(with)), names(how.look_up, [this] { wake(); }) {}

  // Of any thread.
  options how;
  file_handle epoll, wake_fd;
  std::atomic<std::size_t> running{0};
  std::atomic<std::uint64_t> last_id{0};
  std::atomic<bool> closed{false}; ///< no call may start any more
  std::atomic<std::thread::id> loop_thread{};
  std::mutex mutex;
  std::vector<order> orders; ///< bounded by the calls: each can be paused, resumed, cancelled
  bool woken = false;

  // Of the loop's thread.
  name_resolver names;
  http_transfer::deadlines deadlines;
  std::unordered_map<std::uint64_t, std::unique_ptr<http_transfer>> transfers;
  std::unordered_multimap<std::string, http_call_id> waiting_for_name;
  std::vector<std::unique_ptr<http_group>> sharing, alone; ///< by `may_pause`
  std::vector<http_group*> groups;                         ///< by their numbers
  std::vector<easy_handle> spare;
  bool stopping = false;
  std::thread thread;

  void wake() const;
  void give(order what);
  void run();
  int wait_ms() const;
  void take_events();
  void take_orders();
  void take_names();
  void take_deadlines();
  void obey(start_order& what);
  void obey(const cancel_order& what);
  void obey(const pause_order& what);
  void obey(const resume_order& what);
  void obey(const stop_order&) { stopping = true; }
  http_transfer* find(http_call_id id);
  void begin(http_transfer& what);
  http_group& group_for(const http_transfer& what);
  void finish(http_group& in);
  void end(http_transfer& what, http_end why, CURLcode code = CURLE_OK, std::string words = {});
};

void http_loop::impl::wake() const {
  std::uint64_t one = 1;
  (void)!::write(wake_fd.get(), &one, sizeof one);
}

void http_loop::impl::give(order what) {
  bool must_wake = false;
  {
    std::lock_guard lock{mutex};
    orders.push_back(std::move(what));
    must_wake = !std::exchange(woken, true);
  }
  if (must_wake)
    wake();
}

void http_loop::impl::run() {
  loop_thread = std::this_thread::get_id();
  while (!stopping) {
    take_events();
    take_orders();
    take_names();
    auto now = clock::now();
    for (auto group : groups)
      if (auto at = group->wake_at(); at && *at <= now) {
        group->expire(now);
        finish(*group);
      }
    take_deadlines();
  }
  take_orders(); // those that came with the last one
  while (!transfers.empty())
    end(*transfers.begin()->second, http_end::cancelled);
}

int http_loop::impl::wait_ms() const {
  constexpr std::int64_t longest_ms = 3'600'000;
  auto next = deadlines.empty() ? clock::time_point::max() : deadlines.begin()->first;
  for (const auto& group : groups)
    if (auto at = group->wake_at())
      next = std::min(next, *at);
  if (next == clock::time_point::max())
    return -1;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(next - clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, longest_ms));
}

void http_loop::impl::take_events() {
  std::array<epoll_event, events_max> events;
  auto count = ::epoll_wait(epoll.get(), events.data(), events_max, wait_ms());
  for (int i = 0; i < count; ++i) {
    const auto& each = events[static_cast<std::size_t>(i)];
    if (each.data.u64 == wake_mark) {
      std::uint64_t times = 0;
      (void)!::read(wake_fd.get(), &times, sizeof times);
      continue;
    }
    auto& group = *groups[each.data.u64 >> 32];
    group.ready(static_cast<int>(each.data.u64 & 0xffff'ffff), each.events);
    finish(group);
  }
}

void http_loop::impl::take_orders() {
  std::vector<order> came;
  {
    std::lock_guard lock{mutex};
    came.swap(orders);
    woken = false;
  }
  for (auto& each : came)
    std::visit([this](auto& what) { obey(what); }, each);
}

http_transfer* http_loop::impl::find(http_call_id id) {
  auto found = transfers.find(static_cast<std::uint64_t>(id));
  return found == transfers.end() ? nullptr : found->second.get();
}

void http_loop::impl::obey(start_order& what) {
  auto proxy = how.by_proxy.choose(what.target.tls, what.target.host);
  auto made =
      std::make_unique<http_transfer>(what.id, std::move(what.what), std::move(what.callbacks),
                                      std::move(what.target), std::move(proxy), deadlines);
  auto& transfer = *made;
  transfers.emplace(static_cast<std::uint64_t>(what.id), std::move(made));
  const auto& host = transfer.name_to_look_up();
  if (host.empty())
    return begin(transfer);
  if (auto addresses = names.find(host, clock::now())) {
    transfer.set_addresses(*addresses);
    begin(transfer);
  } else {
    waiting_for_name.emplace(host, what.id);
  }
}

void http_loop::impl::obey(const cancel_order& what) {
  if (auto transfer = find(what.id))
    end(*transfer, http_end::cancelled);
}

void http_loop::impl::obey(const pause_order& what) {
  if (auto transfer = find(what.id))
    transfer->pause();
}

void http_loop::impl::obey(const resume_order& what) {
  auto transfer = find(what.id);
  if (!transfer || !transfer->resume() || !transfer->group)
    return;
  auto& group = *transfer->group;
  curl_easy_pause(transfer->handle(), CURLPAUSE_CONT); // may give chunks, and pause again
  finish(group);
}

void http_loop::impl::take_names() {
  for (auto& found : names.take(clock::now())) {
    auto [first, last] = waiting_for_name.equal_range(found.host);
    std::vector<http_call_id> waiters;
    for (auto each = first; each != last; ++each)
      waiters.push_back(each->second);
    waiting_for_name.erase(first, last);
    for (auto id : waiters) {
      auto transfer = find(id);
      if (!transfer)
        continue;
      if (!found.addresses) {
        end(*transfer, http_end::resolve, CURLE_OK, found.addresses.error().message);
        continue;
      }
      transfer->set_addresses(*found.addresses);
      begin(*transfer);
    }
  }
}

void http_loop::impl::take_deadlines() {
  auto now = clock::now();
  while (!deadlines.empty() && deadlines.begin()->first <= now) {
    auto& transfer = *deadlines.begin()->second;
    if (auto next = transfer.next_limit(); next.at > now)
      transfer.watch(); // it has come further since
    else
      end(transfer, next.why);
  }
}

http_group& http_loop::impl::group_for(const http_transfer& what) {
  auto& kind = what.may_pause() ? alone : sharing;
  auto calls_max = what.may_pause() ? limits::http_client_group_calls_max
                                    : limits::http_client_sharing_calls_max;
  auto found =
      std::find_if(kind.begin(), kind.end(), [](const auto& each) { return each->has_room(); });
  if (found != kind.end())
    return **found;
  kind.push_back(std::make_unique<http_group>(
      epoll.get(), static_cast<std::uint32_t>(groups.size()), calls_max));
  groups.push_back(kind.back().get());
  return *kind.back();
}

void http_loop::impl::begin(http_transfer& what) {
  easy_handle handle;
  if (!spare.empty()) {
    handle = std::move(spare.back());
    spare.pop_back();
  }
  auto& group = group_for(what);
  if (!what.prepare(std::move(handle)) || !group.add(what))
    end(what, http_end::broken, CURLE_OUT_OF_MEMORY);
}

void http_loop::impl::finish(http_group& in) {
  while (auto done = in.next_done())
    end(*done->which, http_end::done, done->code);
}

void http_loop::impl::end(http_transfer& what, http_end why, CURLcode code, std::string words) {
  auto owned = std::move(transfers.extract(static_cast<std::uint64_t>(what.id())).mapped());
  if (owned->is_resolving() && !owned->name_to_look_up().empty()) {
    auto [each, last] = waiting_for_name.equal_range(owned->name_to_look_up());
    each = std::find_if(each, last, [&](const auto& entry) { return entry.second == owned->id(); });
    if (each != last)
      waiting_for_name.erase(each);
  }
  if (owned->group)
    owned->group->remove(*owned);
  running.fetch_sub(1, std::memory_order_relaxed);
  owned->end(why, code, std::move(words));
  if (auto handle = owned->release(); handle && spare.size() < limits::http_client_handles_kept_max)
    spare.push_back(std::move(handle));
}

http_loop::http_loop(std::unique_ptr<impl> body) : impl_(std::move(body)) {}

result<std::unique_ptr<http_loop>> http_loop::make(options how) {
  auto made = std::make_unique<impl>(std::move(how));
  made->epoll = file_handle{::epoll_create1(EPOLL_CLOEXEC)};
  made->wake_fd = file_handle{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.u64 = wake_mark;
  if (!curl_is_ready() || !made->epoll || !made->wake_fd
      || ::epoll_ctl(made->epoll.get(), EPOLL_CTL_ADD, made->wake_fd.get(), &wanted) != 0)
    return fail(ec::unavailable,
                std::string{"the HTTP client cannot begin: "} + std::strerror(errno));
  auto body = made.get();
  made->thread = std::thread{[body] { body->run(); }};
  return std::unique_ptr<http_loop>{new http_loop{std::move(made)}};
}

http_loop::~http_loop() {
  impl_->closed = true;
  impl_->give(stop_order{});
  impl_->thread.join();
}

result<http_call_id> http_loop::start(http_call what, http_callbacks callbacks) {
  if (impl_->closed)
    return fail(ec::unavailable, "the HTTP client has ended");
  auto target = parse_http_target(what.url);
  if (!target)
    return unexpected{std::move(target).error()};
  if (what.method != "POST" && what.method != "GET")
    return fail(ec::invalid_argument, "the HTTP client knows POST and GET, not " + what.method);
  if (!std::all_of(what.headers.begin(), what.headers.end(), is_header))
    return fail(ec::invalid_argument, "a header has no colon, or is of several lines");
  if (impl_->running.fetch_add(1, std::memory_order_relaxed) >= impl_->how.calls_max) {
    impl_->running.fetch_sub(1, std::memory_order_relaxed);
    return fail(ec::overloaded, "there are " + std::to_string(impl_->how.calls_max)
                                    + " HTTP calls in flight already");
  }
  http_call_id id{impl_->last_id.fetch_add(1, std::memory_order_relaxed) + 1};
  impl_->give(start_order{id, std::move(what), std::move(callbacks), std::move(*target)});
  return id;
}

void http_loop::cancel(http_call_id call) { impl_->give(cancel_order{call}); }

void http_loop::pause(http_call_id call) {
  if (std::this_thread::get_id() != impl_->loop_thread.load())
    return impl_->give(pause_order{call});
  if (auto transfer = impl_->find(call))
    transfer->pause();
}

void http_loop::resume(http_call_id call) { impl_->give(resume_order{call}); }

std::size_t http_loop::running() const noexcept {
  return impl_->running.load(std::memory_order_relaxed);
}

} // namespace troupe
