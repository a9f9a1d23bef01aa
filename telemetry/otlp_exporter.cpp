#include "telemetry/otlp_exporter.hpp"

#include "config/base/count_of.hpp"
#include "config/base/random.hpp"
#include "config/limits/telemetry.hpp"
#include "telemetry/otlp_retry.hpp"
#include "telemetry/text_escape.hpp"

#include <algorithm>
#include <random>

namespace troupe {

namespace {

constexpr std::string_view component = "otlp";

/// A collector's words, made fit for a line of the log.
std::string printable(std::string_view text) {
  constexpr std::size_t shown_max = 200;
  return valid_utf8(text.substr(0, shown_max));
}

std::string shown_type(std::string_view content_type) {
  return content_type.empty() ? "bytes of no known kind" : printable(content_type);
}

} // namespace

otlp_exporter::otlp_exporter(options how, std::unique_ptr<otlp_post> post, metrics& counted,
                             std::shared_ptr<log_sink> log)
    : how_(std::move(how)), post_(std::move(post)), counts_(counted.plain()), log_(std::move(log)) {
  thread_ = std::thread{[this] { run(); }};
}

otlp_exporter::~otlp_exporter() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
    stop_at_ = clock::now() + how_.flush_at_exit;
  }
  work_.notify_all();
  post_->wake();
  thread_.join();
}

void otlp_exporter::add(shared_span span, bool urgent) {
  bool wake = false, dropped = false;
  {
    std::lock_guard lock{mutex_};
    if (queue_.size() >= how_.queued_max) {
      dropped = true;
    } else {
      if (queue_.empty())
        first_queued_ = clock::now();
      queue_.push_back(std::move(span));
      ++added_count_;
      wake = queue_.size() == 1 || queue_.size() == limits::spans_per_export;
      if (urgent && urgent_at_ == clock::time_point::max()) {
        urgent_at_ = std::max<clock::time_point>(clock::now() + limits::otlp_urgent_delay,
                                                 last_taken_ + limits::otlp_urgent_interval);
        wake = true;
      }
    }
  }
  if (dropped)
    counts_.spans_dropped.fetch_add(1, std::memory_order_relaxed);
  if (wake)
    work_.notify_one();
}

bool otlp_exporter::flush(std::chrono::milliseconds at_most) {
  std::unique_lock lock{mutex_};
  auto all = added_count_;
  ++flushing_;
  work_.notify_one();
  bool ended = done_.wait_for(lock, at_most, [&] { return ended_count_ >= all; });
  --flushing_;
  return ended;
}

void otlp_exporter::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    auto batch = next_batch(lock);
    if (batch.empty())
      return;
    lock.unlock();
    deliver(batch);
    auto count = batch.size();
    batch.clear(); // frees the spans where nobody waits for the lock
    lock.lock();
    ended_count_ += count;
    done_.notify_all();
  }
}

/// Waits until a batch is full, old enough or requested; empty when there will be no more.
std::vector<shared_span> otlp_exporter::next_batch(std::unique_lock<std::mutex>& lock) {
  work_.wait(lock, [this] { return !queue_.empty() || stopping_; });
  auto due = [this] {
    return std::min<clock::time_point>(first_queued_ + how_.flush_interval, urgent_at_);
  };
  while (queue_.size() < limits::spans_per_export && flushing_ == 0 && !stopping_
         && clock::now() < due())
    work_.wait_until(lock, due()); // an urgent span makes it earlier
  auto count = std::min(queue_.size(), limits::spans_per_export);
  auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<shared_span> batch{std::make_move_iterator(queue_.begin()),
                                 std::make_move_iterator(end)};
  queue_.erase(queue_.begin(), end);
  first_queued_ = last_taken_ = clock::now(); // the remaining spans came after the first
  if (queue_.empty())
    urgent_at_ = clock::time_point::max();
  return batch;
}

void otlp_exporter::deliver(const std::vector<shared_span>& batch) {
  auto bytes = encode_otlp(how_.resource, batch);
  if (how_.gzip)
    bytes = gzip(bytes);
  for (std::uint32_t attempts = 1; !try_once(bytes, batch.size(), attempts); ++attempts) {
  }
}

/// True when the batch is done, one way or the other; otherwise send it again now.
bool otlp_exporter::try_once(std::string_view bytes, std::size_t spans, std::uint32_t attempts) {
  auto began = clock::now();
  if (attempt_deadline(began) <= began)
    return give_up("no time left at exit", spans), true;
  auto answer = post_->send(bytes, [this, began] { return attempt_deadline(began); });
  auto why = answer.problem;
  if (answer.connected && answer.status >= 200 && answer.status < 300) {
    // An answer that is too long is cut off: its text is not known, but it was a yes.
    auto said =
        answer.too_large ? otlp_accepted{} : decode_otlp_answer(answer.content_type, answer.body);
    if (said)
      return accept(*said, spans), true;
    why = "it answered with " + shown_type(answer.content_type)
          + ", as no collector does: is this its port for OTLP over HTTP?";
  } else if (answer.connected) {
    why = "it answered with status " + std::to_string(answer.status);
    if (!answer.location.empty())
      why += ", a redirect to " + printable(answer.location) + ", which is not followed";
  }
  if (!may_send_again({answer.connected, answer.status, answer.retry_after})
      || attempts >= limits::otlp_attempts_max)
    return give_up(why, spans), true;
  auto asked_for = parse_retry_after(answer.retry_after, std::chrono::system_clock::now());
  if (!pause(delay_before_retry(attempts, random_bits(), asked_for), answer.connected))
    return give_up(why, spans), true;
  return false;
}

void otlp_exporter::accept(const otlp_accepted& said, std::size_t spans) {
  auto rejected = std::min<std::uint64_t>(said.rejected, spans);
  counts_.spans_exported.fetch_add(spans - rejected, std::memory_order_relaxed);
  counts_.spans_dropped.fetch_add(rejected, std::memory_order_relaxed);
  tell_said(said.message, rejected, spans);
  if (failing_)
    log_->write({log_level::info, component, "spans are exported again to " + post_->url(), {}});
  failing_ = false;
}

/// What a collector says besides yes is logged once, not for every batch; only rejected spans are a
/// reason to warn.
void otlp_exporter::tell_said(const std::string& message, std::uint64_t rejected,
                              std::size_t spans) {
  auto what = rejected != 0 ? "rejected spans: " + message : message;
  if (what.empty() || what == last_said_)
    return;
  last_said_ = what;
  auto said = message.empty() ? std::string{} : ": " + printable(message);
  if (rejected != 0)
    log_->write({log_level::warning,
                 component,
                 post_->url() + " rejected " + std::to_string(rejected) + " of "
                     + count_of(spans, "span") + said,
                 {}});
  else
    log_->write({log_level::info, component, post_->url() + " took the spans and says" + said, {}});
}

void otlp_exporter::give_up(const std::string& why, std::size_t spans) {
  counts_.spans_dropped.fetch_add(spans, std::memory_order_relaxed);
  if (!failing_) // one line until it works again
    log_->write({log_level::warning,
                 component,
                 "cannot export spans to " + post_->url() + " (named by " + post_->from()
                     + "): " + why + "; they are dropped and counted (troupe_spans_dropped_total)",
                 {}});
  failing_ = true;
}

/// Waits before a retry. False if there must be no retry because the node stops: a collector that
/// answered is tried again in the remaining time, but nobody waits for one that cannot be reached.
bool otlp_exporter::pause(std::chrono::milliseconds delay, bool answered) {
  auto until = clock::now() + delay;
  std::unique_lock lock{mutex_};
  if (!work_.wait_until(lock, until, [this] { return stopping_; }))
    return true;
  if (!answered || until >= stop_at_)
    return false;
  work_.wait_until(lock, until, [] { return false; });
  return true;
}

otlp_exporter::clock::time_point otlp_exporter::attempt_deadline(clock::time_point began) {
  std::lock_guard lock{mutex_};
  return std::min<clock::time_point>(began + how_.timeout, stop_at_);
}

} // namespace troupe
