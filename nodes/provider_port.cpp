#include "nodes/provider_port.hpp"

#include "actors/llm/dialect.hpp"
#include "messages/http.pb.h"
#include "telemetry/otlp_retry.hpp"

#include <utility>

namespace troupe {

namespace {

bool is_about_the_key(unsigned status) { return status == 401 || status == 403; }
bool is_too_many(unsigned status) { return status == 429; }

ec code_of(http_end why) {
  switch (why) {
    case http_end::timeout_connect:
    case http_end::timeout_first:
    case http_end::timeout_between:
    case http_end::timeout_total:
      return ec::timed_out;
    case http_end::too_large:
      return ec::too_large;
    case http_end::cancelled:
      return ec::cancelled;
    default:
      return ec::provider_failed;
  }
}

} // namespace

struct provider_port::transfer {
  std::mutex mutex; ///< of all that follows
  std::uint64_t id = 0;
  http_call_id call{};
  std::string provider;
  std::optional<provider_keys::chosen> key; ///< once it is known
  HttpEvent next;                           ///< what has come since the last event
  bool may_pause = false;
  bool on_its_way = false; ///< an event that was not taken yet
  bool paused = false;
  bool over = false; ///< the transfer has ended; `next` says how
  bool gone = false; ///< nobody wants to hear more
};

provider_port::provider_port(options how, http_loop& client)
    : how_(std::move(how)), client_(client), keys_(how_.catalog, how_.log),
      simulated_(how_.catalog, [this](HttpEvent happened) {
        how_.send(
            make_envelope(message_kind::event, address::of(service::models), std::move(happened)));
      }) {}

provider_port::~provider_port() {
  keys_.close(); // nothing begins any more
  std::map<std::uint64_t, std::shared_ptr<transfer>> left;
  {
    std::lock_guard guard{mutex_};
    left.swap(transfers_);
  }
  for (auto& [id, one] : left) {
    std::lock_guard guard{one->mutex}; // a callback that is in here ends first
    one->gone = true;
    client_.cancel(one->call);
  }
}

void provider_port::start(outgoing wanted) {
  const auto* provider = how_.catalog.find(wanted.provider);
  if (!provider)
    return refuse(wanted.id, {ec::unknown_model, "there is no provider " + wanted.provider});
  if (provider->kind == provider_config::api::simulated)
    return simulated_.start(std::move(wanted));
  auto one = std::make_shared<transfer>();
  one->id = wanted.id;
  one->provider = wanted.provider;
  one->may_pause = wanted.streams;
  {
    std::lock_guard guard{mutex_};
    transfers_.emplace(one->id, one);
  }
  auto kept = std::make_shared<outgoing>(std::move(wanted));
  keys_.next(provider->name, [this, provider, one, kept](auto key) {
    if (key)
      begin(one, *provider, std::move(*kept), *std::move(key));
    else
      end_before(one, key.error());
  });
}

/// The key is there. On any thread.
void provider_port::begin(const std::shared_ptr<transfer>& one, const provider_config& provider,
                          outgoing wanted, std::optional<provider_keys::chosen> key) {
  http_call made;
  made.method = std::move(wanted.method);
  made.url = provider.base_url + wanted.path;
  made.headers = std::move(wanted.headers);
  made.body = std::move(wanted.body);
  made.ca_file = provider.ca_file;
  made.answer_bytes_max = limits::model_answer_bytes_max;
  made.may_pause = wanted.streams;
  made.connect_within = provider.timeouts.connect;
  made.first_within = provider.timeouts.first;
  made.between_within = provider.timeouts.between;
  made.total_within = provider.timeouts.total;
  for (const auto& [title, value] : provider.headers)
    made.headers.emplace_back(title).append(": ").append(value);
  if (key)
    made.headers.push_back(make_dialect(provider.kind)->key_header(key->key));
  http_callbacks callbacks;
  callbacks.head = [this, one](const http_head& head) { head_came(*one, head); };
  callbacks.chunk = [this, one](std::string_view bytes) { came(*one, bytes); };
  callbacks.ended = [this, one](const http_ending& how) { ended(*one, how); };
  result<http_call_id> begun = fail(ec::unavailable, "");
  {
    std::lock_guard guard{one->mutex}; // a callback may come before the id is known here
    if (one->gone)
      return;
    one->key = std::move(key);
    begun = client_.start(std::move(made), std::move(callbacks));
    if (begun)
      one->call = *begun;
  }
  if (!begun)
    end_before(one, begun.error());
}

/// It cannot be made.
void provider_port::end_before(const std::shared_ptr<transfer>& one, const failure& why) {
  std::lock_guard guard{one->mutex};
  if (std::exchange(one->gone, true))
    return;
  {
    std::lock_guard of_table{mutex_};
    transfers_.erase(one->id);
  }
  refuse(one->id, why);
}

void provider_port::cancel(std::uint64_t id) {
  auto one = find(id);
  if (!one)
    return simulated_.cancel(id);
  {
    std::lock_guard guard{mutex_};
    transfers_.erase(id);
  }
  std::lock_guard guard{one->mutex};
  one->gone = true;
  client_.cancel(one->call);
}

void provider_port::taken(std::uint64_t id) {
  auto one = find(id);
  if (!one)
    return simulated_.taken(id);
  std::lock_guard guard{one->mutex};
  one->on_its_way = false;
  tell(*one);
  if (std::exchange(one->paused, false))
    client_.resume(one->call);
}

std::shared_ptr<provider_port::transfer> provider_port::find(std::uint64_t id) {
  std::lock_guard guard{mutex_};
  auto found = transfers_.find(id);
  return found == transfers_.end() ? nullptr : found->second;
}

/// On the client's thread.
void provider_port::head_came(transfer& one, const http_head& head) {
  std::lock_guard guard{one.mutex};
  if (one.gone)
    return; // the port may be, too
  one.next.set_status(head.status);
  one.next.set_content_type(std::string(head.content_type));
  one.next.set_retry_after(std::string(head.retry_after));
  auto now = std::chrono::system_clock::now();
  if (is_too_many(head.status) && one.key)
    keys_.told_to_wait(one.provider, *one.key, parse_retry_after(head.retry_after, now));
  limit_headers told;
  told.take_lines(head.rate_limits, now);
  if (!told.is_told())
    return;
  std::lock_guard of_tables{mutex_};
  limits_.insert_or_assign(one.provider, told);
}

std::optional<limit_headers> provider_port::take_limits(const std::string& provider) {
  std::lock_guard guard{mutex_};
  auto told = limits_.extract(provider);
  return told.empty() ? std::nullopt : std::optional{told.mapped()};
}

/// On the client's thread.
void provider_port::came(transfer& one, std::string_view bytes) {
  std::lock_guard guard{one.mutex};
  if (one.gone)
    return;
  one.next.mutable_body()->append(bytes);
  tell(one); // what goes is no longer kept
  if (one.may_pause && one.next.body().size() >= limits::provider_kept_bytes_max
      && !std::exchange(one.paused, true))
    client_.pause(one.call);
}

/// On the client's thread.
void provider_port::ended(transfer& one, const http_ending& how) {
  std::lock_guard guard{one.mutex};
  if (one.gone)
    return;
  one.over = true;
  auto& next = one.next;
  next.set_ended(true);
  if (how.why != http_end::done) {
    next.mutable_why()->set_code(static_cast<std::uint32_t>(code_of(how.why)));
    bool has_begun = next.status() != 0; // then its reader says whose answer broke off
    next.mutable_why()->set_message((has_begun ? "" : "provider " + one.provider + ": ")
                                    + how.words);
  }
  if (is_about_the_key(next.status()) && one.key) {
    next.set_refused_key(true);
    keys_.refused(one.provider, *one.key, next.status());
  }
  tell(one);
}

/// Sends what there is, unless an event is on its way. The last one takes the transfer out of the
/// table. The transfer is locked all that time: the port does not end before.
void provider_port::tell(transfer& one) {
  if (one.gone || one.on_its_way || (one.next.body().empty() && !one.over))
    return;
  one.on_its_way = true;
  auto status = one.next.status();
  auto made = std::exchange(one.next, {});
  made.set_call(one.id);
  one.next.set_status(status); // its end is told apart by it
  how_.send(make_envelope(message_kind::event, address::of(service::models), std::move(made)));
  if (!one.over)
    return;
  std::lock_guard guard{mutex_};
  transfers_.erase(one.id);
}

void provider_port::refuse(std::uint64_t id, const failure& why) const {
  HttpEvent told;
  told.set_call(id);
  told.set_ended(true);
  told.mutable_why()->set_code(static_cast<std::uint32_t>(why.code));
  told.mutable_why()->set_message(why.message);
  how_.send(make_envelope(message_kind::event, address::of(service::models), std::move(told)));
}

} // namespace troupe
