#include "nodes/cli/model_check.hpp"

#include "actors/llm/dialect.hpp"
#include "config/base/file_handle.hpp"
#include "messages/http.pb.h"
#include "nodes/provider_port.hpp"
#include "telemetry/http_loop.hpp"
#include "telemetry/log.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <deque>
#include <mutex>

namespace troupe::cli {

namespace {

using steady = std::chrono::steady_clock;

constexpr std::uint32_t tokens_max = 16; ///< less is refused by some APIs
constexpr std::uint64_t the_call = 1;

/// What comes from the client's thread, for the one that waits.
class arrivals {
public:
  arrivals() : told_(::eventfd(0, EFD_CLOEXEC)) {}

  void add(envelope message) {
    {
      std::lock_guard guard{mutex_};
      waiting_.push_back(std::move(message));
    }
    ::eventfd_write(told_.get(), 1);
  }

  /// Nothing: interrupted.
  std::optional<envelope> next(int interrupt_fd) {
    for (;;) {
      {
        std::lock_guard guard{mutex_};
        if (!waiting_.empty()) {
          auto first = std::move(waiting_.front());
          waiting_.pop_front();
          return first;
        }
      }
      pollfd waits[] = {{told_.get(), POLLIN, 0}, {interrupt_fd, POLLIN, 0}};
      ::poll(waits, 2, -1);
      if (waits[1].revents != 0)
        return std::nullopt;
      eventfd_t times = 0;
      if (waits[0].revents != 0)
        ::eventfd_read(told_.get(), &times);
    }
  }

private:
  file_handle told_;
  std::mutex mutex_;
  std::deque<envelope> waiting_;
};

ModelRequest smallest_request(const std::string& model) {
  ModelRequest asked;
  asked.set_model(model);
  asked.set_max_output_tokens(tokens_max);
  asked.set_purpose("check");
  auto* message = asked.add_messages();
  message->set_role("user");
  message->set_content("Say yes.");
  return asked;
}

result<ModelAnswer> answer_of(http_port& port, arrivals& come, answer_reader& reader,
                              int interrupt_fd) {
  std::vector<Piece> pieces;
  for (bool has_head = false;;) {
    auto message = come.next(interrupt_fd);
    if (!message)
      return fail(ec::cancelled, "interrupted");
    auto* happened = message->body.as<HttpEvent>();
    if (!happened)
      continue;
    if (happened->status() != 0 && !std::exchange(has_head, true))
      reader.head({happened->status(), happened->content_type(), happened->retry_after()});
    if (!happened->body().empty())
      if (auto fed = reader.feed(happened->body(), pieces); !fed)
        return unexpected{fed.error()};
    if (!happened->ended()) {
      port.taken(the_call);
      continue;
    }
    if (happened->has_why() && !reader.is_whole())
      return unexpected{has_head ? reader.broken_off(from_proto(happened->why()))
                                 : from_proto(happened->why())};
    return reader.finish(pieces);
  }
}

} // namespace

model_check check_model(const models_catalog& all, const resolved_model& which, int interrupt_fd) {
  auto begun = steady::now();
  model_check made;
  auto ended = [&](failure why) {
    made.why = std::move(why);
    made.took = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - begun);
    return made;
  };
  auto client = http_loop::make({});
  if (!client)
    return ended(client.error());
  arrivals come;
  provider_port port{
      {all, [&](envelope message) { come.add(std::move(message)); }, make_null_log_sink()},
      **client};
  auto speaks = make_dialect(which.provider->kind);
  auto asked = smallest_request(which.model);
  model_target target{which.model, which.provider->name, which.provider->base_url, &port};
  auto written = speaks->ask(asked, target);
  if (!written)
    return ended(written.error());
  auto reader = speaks->reader(asked, target);
  http_port::outgoing wanted;
  wanted.id = the_call;
  wanted.provider = which.provider->name;
  wanted.method = std::move(written->method);
  wanted.path = std::move(written->path);
  wanted.headers = std::move(written->headers);
  wanted.body = std::move(written->body);
  port.start(std::move(wanted));
  auto answer = answer_of(port, come, *reader, interrupt_fd);
  made.limits = port.take_limits(which.provider->name).value_or(limit_headers{});
  if (!answer)
    return ended(
        {answer.error().code, port.without_keys(which.provider->name, answer.error().message)});
  made.answer = std::move(*answer);
  return ended({});
}

} // namespace troupe::cli
