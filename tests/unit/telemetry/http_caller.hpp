#pragma once

#include "telemetry/http_loop.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace troupe::tests {

using namespace std::chrono_literals;

/// What a call has told so far. Waits for what a test needs to see.
class heard {
public:
  static constexpr std::chrono::seconds patience{20};

  http_callbacks callbacks(const std::shared_ptr<heard>& self) {
    return {.head = [self](const http_head& head) { self->set_head(head); },
            .chunk = [self](std::string_view bytes) { self->add(bytes); },
            .ended = [self](const http_ending& how) { self->set_end(how); }};
  }

  http_ending wait_for_end() {
    std::unique_lock lock{mutex};
    EXPECT_TRUE(changed.wait_for(lock, patience, [this] { return ending.has_value(); }))
        << "it never ended";
    return ending.value_or(http_ending{http_end::cancelled, "it never ended", false, 0});
  }
  bool wait_for_bytes(std::size_t count) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, patience, [&] { return body.size() >= count; });
  }

  std::mutex mutex; ///< of what follows
  std::condition_variable changed;
  unsigned status = 0;
  std::string content_type, retry_after, body;
  std::optional<http_ending> ending;
  int ends = 0;

private:
  void set_head(const http_head& head) {
    std::lock_guard lock{mutex};
    status = head.status;
    content_type = head.content_type;
    retry_after = head.retry_after;
    changed.notify_all();
  }
  void add(std::string_view bytes) {
    std::lock_guard lock{mutex};
    body += bytes;
    changed.notify_all();
  }
  void set_end(const http_ending& how) {
    std::lock_guard lock{mutex};
    ending = how;
    ++ends;
    changed.notify_all();
  }
};

/// A loop that asks no proxy of the machine's environment.
inline std::unique_ptr<http_loop> make_loop(http_loop::options how = {}) {
  how.by_proxy = {};
  auto made = http_loop::make(std::move(how));
  return made ? std::move(*made) : nullptr;
}

struct started {
  std::shared_ptr<heard> told;
  http_call_id id{};
};

inline started start(http_loop& loop, http_call what) {
  started made{std::make_shared<heard>(), {}};
  auto id = loop.start(std::move(what), made.told->callbacks(made.told));
  EXPECT_TRUE(id) << (id ? "" : id.error().message);
  if (id)
    made.id = *id;
  return made;
}

inline http_call get(std::string url) {
  http_call made;
  made.method = "GET";
  made.url = std::move(url);
  return made;
}

} // namespace troupe::tests
