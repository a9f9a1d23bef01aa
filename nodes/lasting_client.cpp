#include "nodes/lasting_client.hpp"

#include "config/limits/links.hpp"
#include "config/limits/messages.hpp"
#include "messages/door_span.hpp"
#include "messages/durability.hpp"

#include <poll.h>

#include <algorithm>
#include <limits>
#include <map>

namespace troupe {

namespace {

using steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

milliseconds until(steady::time_point deadline) {
  return std::max(std::chrono::ceil<milliseconds>(deadline - steady::now()), milliseconds{0});
}

/// Errors that say only that the repeated request was not done this time.
bool tells_nothing_of_before(ec code) {
  return code == ec::unavailable || code == ec::overloaded || code == ec::refused;
}

class lasting_client final : public client {
public:
  lasting_client(std::unique_ptr<client> first, lasting_options options)
      : link_(std::move(first)), options_(std::move(options)), self_(link_->self()) {}

  const Welcome& welcome() const override { return link_->welcome(); }
  address self() const override { return self_; }

  result<message_id> send(envelope message, milliseconds at_most) override {
    auto deadline = steady::now() + at_most;
    // A cancel and an acknowledgement have the number of what they are about.
    if (message.kind != message_kind::cancel && message.kind != message_kind::acknowledge)
      message.id = {self_.session, ++sequence_};
    auto id = message.id;
    if (message.kind != message_kind::request) {
      if (auto there = come_back(deadline); !there)
        return unexpected{there.error()};
      return link_->send(std::move(message), until(deadline));
    }
    pending_.emplace(id.sequence, keep(message));
    if (auto done = send_pending(deadline); !done) {
      pending_.erase(id.sequence);
      return unexpected{done.error()};
    }
    return id;
  }

  result<std::optional<envelope>> receive(milliseconds at_most) override {
    auto deadline = steady::now() + at_most;
    for (;;) {
      if (auto there = send_pending(deadline); !there) {
        if (there.error().code == ec::timed_out)
          return std::optional<envelope>{};
        return unexpected{there.error()};
      }
      auto next = link_->receive(until(std::min(deadline, next_repetition())));
      if (!next && next.error().code == ec::cancelled)
        return next;
      if (!next) {
        lost(next.error());
        continue;
      }
      if (*next) {
        if (taken(**next))
          return next;
      } else if (steady::now() >= deadline) {
        return next;
      }
    }
  }

  void attend() override { link_->attend(); }

  result<envelope> request(envelope message, milliseconds at_most,
                           const std::function<void(envelope&)>& others) override {
    bool changes = has_effect(message.body.kind());
    auto reply = client::request(std::move(message), at_most, others);
    if (!reply && reply.error().code == ec::timed_out && lost_ && changes)
      return unexpected{may_have_been_done(lost_->message)};
    return reply;
  }

  std::uint32_t returns() const noexcept override { return losses_; }
  std::vector<lost_request> lost_requests() const override { return lost_requests_; }

private:
  /// A request that is not answered yet.
  struct pending {
    envelope request; ///< as it was first sent
    bool changes = false;
    bool follows = false;     ///< a run: it stays pending until its end arrives
    bool sent = false;        ///< over the present link
    bool may_be_done = false; ///< an attempt was sent and not answered
    std::uint16_t attempts = 0;
    std::uint16_t here_as = 0; ///< the first attempt that the present node may have; 0: none
    steady::time_point first_sent;
    steady::time_point heard;      ///< of a run: when it was sent or last heard from
    steady::time_point not_before; ///< do not repeat it earlier
    std::optional<steady::time_point>
        given_up_at; ///< once a node lost it: when its failure is final
  };

  static pending keep(envelope& message) {
    pending made;
    made.changes = has_effect(message.body.kind());
    made.follows = message.body.kind() == payload_kind::RunSubmit
                   || message.body.kind() == payload_kind::RunRetry;
    made.request = std::move(message);
    return made;
  }

  // -- pending requests -------------------------------------------------------------------------

  steady::time_point next_repetition() const {
    auto next = steady::time_point::max();
    for (const auto& [sequence, waiting] : pending_)
      if (!waiting.sent)
        next = std::min(next, waiting.not_before);
      else if (waiting.follows)
        next = std::min(next, waiting.heard + limits::run_silence_max);
    return next;
  }

  /// The end of a silent run may have been missed, so its RunSubmit is repeated to its owner.
  void doubt_silent_runs() {
    for (auto& [sequence, waiting] : pending_)
      if (waiting.follows && waiting.sent
          && steady::now() >= waiting.heard + limits::run_silence_max)
        waiting.sent = false;
  }

  /// Sends, in order, every request not yet sent over the present link. Reconnects first if there
  /// is no link.
  result<void> send_pending(steady::time_point deadline) {
    for (;;) {
      if (auto there = come_back(deadline); !there)
        return there;
      doubt_silent_runs();
      auto due = std::find_if(pending_.begin(), pending_.end(), [](const auto& entry) {
        return !entry.second.sent && entry.second.not_before <= steady::now();
      });
      if (due == pending_.end())
        return {};
      auto& waiting = due->second;
      auto sent = link_->send(attempt_of(waiting), until(deadline));
      if (sent || sent.error().code == ec::outcome_unknown) {
        waiting.may_be_done = true;
        if (waiting.here_as == 0)
          waiting.here_as = waiting.attempts;
      }
      if (sent) {
        waiting.sent = true;
        waiting.heard = steady::now();
      } else if (auto code = sent.error().code;
                 code == ec::unavailable || code == ec::outcome_unknown) {
        lost(sent.error());
      } else {
        return unexpected{sent.error()};
      }
    }
  }

  /// The next attempt if an earlier one may have arrived anywhere; otherwise the first attempt once
  /// more.
  static envelope attempt_of(pending& waiting) {
    auto message = head_of(waiting.request);
    message.body = waiting.request.body.share();
    auto now = steady::now();
    if (waiting.attempts == 0)
      waiting.first_sent = now;
    if (waiting.attempts == 0 || waiting.may_be_done)
      ++waiting.attempts;
    message.attempt = waiting.attempts;
    if (waiting.attempts > 1)
      message.age_ms = static_cast<std::uint32_t>(
          std::min<std::int64_t>(std::chrono::ceil<milliseconds>(now - waiting.first_sent).count(),
                                 std::numeric_limits<std::uint32_t>::max()));
    return message;
  }

  /// False: this reply is not final, and the request is repeated.
  bool taken(envelope& message) {
    auto found = pending_.find(message.id.sequence);
    if (found == pending_.end())
      return true;
    auto& waiting = found->second;
    waiting.heard = steady::now();
    if (message.kind == message_kind::event && message.body.kind() == payload_kind::RunEnded)
      pending_.erase(found);
    if (message.kind != message_kind::reply)
      return true;
    if (waiting.changes && message.body.kind() == payload_kind::Failure
        && !settle_failure(waiting, message))
      return false;
    if (waiting.follows && begins_what_ends_with_its_owner(message))
      return true;
    auto target = waiting.request.target;
    pending_.erase(found);
    if (target.what == address::kind::agent)
      acknowledge(target, message.id);
    return true;
  }

  /// A durable run is begun once it is accepted: who follows it asks its owner for it (RunAttach).
  static bool begins_what_ends_with_its_owner(envelope& reply) {
    auto accepted = reply.body.as<RunAccepted>();
    return accepted && !is_durable(accepted->durability());
  }

  /// An earlier attempt may have been done even if this one failed. False: repeat the request.
  bool settle_failure(pending& waiting, envelope& message) const {
    auto wire = message.body.as<Failure>();
    if (!wire)
      return true;
    auto why = from_proto(*wire);
    bool lost_on_the_way = why.code == ec::outcome_unknown && wire->repeat();
    bool unsure = lost_on_the_way || (waiting.attempts > 1 && tells_nothing_of_before(why.code));
    if (!unsure)
      return true;
    auto now = steady::now();
    if (!waiting.given_up_at)
      waiting.given_up_at = now + options_.time_max;
    if (now + limits::reconnect_pause_max < *waiting.given_up_at) {
      waiting.sent = false;
      waiting.not_before = now + limits::reconnect_pause_max;
      return false;
    }
    if (!lost_on_the_way)
      message.body = payload::of(to_proto(may_have_been_done(why.message)));
    return true;
  }

  /// Acknowledges the reply once every earlier request to the target is settled as well.
  void acknowledge(const address& target, message_id id) {
    for (const auto& [sequence, waiting] : pending_)
      if (waiting.request.target == target && sequence < id.sequence)
        return;
    envelope message;
    message.kind = message_kind::acknowledge;
    message.id = id;
    message.target = target;
    [[maybe_unused]] auto sent = link_->send(std::move(message), milliseconds{0});
  }

  // -- reconnecting -----------------------------------------------------------------------------

  void lost(const failure& why) {
    if (lost_)
      return;
    lost_ = why;
    gives_up_at_ = steady::now() + options_.time_max;
    pause_ = milliseconds{0};
    for (auto& [sequence, waiting] : pending_)
      waiting.sent = false;
    say(why.message + "; reconnecting");
  }

  /// Tries until there is a link again. `timed_out`: not by the deadline; the next call continues.
  result<void> come_back(steady::time_point deadline) {
    while (lost_) {
      if (losses_ >= limits::reconnects_max || steady::now() >= gives_up_at_)
        return unexpected{given_up()};
      if (auto waited = pause(deadline); !waited)
        return waited;
      for (std::size_t i = 0; lost_ && i < options_.doors.size(); ++i) {
        auto wanted = options_.doors[i];
        wanted.session = self_.session;
        wanted.connect_timeout =
            std::min({wanted.connect_timeout, until(deadline), until(gives_up_at_)});
        auto again = client::connect(wanted);
        if (!again && again.error().code == ec::cancelled)
          return unexpected{again.error()};
        if (!again)
          continue;
        note_lost(link_->welcome().node(), (*again)->welcome().node());
        link_ = std::move(*again);
        lost_.reset();
        ++losses_;
        std::rotate(options_.doors.begin(), options_.doors.begin() + static_cast<std::ptrdiff_t>(i),
                    options_.doors.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        say("reconnected to " + link_->welcome().node().name());
      }
    }
    return {};
  }

  /// The node before is not there, or has begun a new life: what it had of us it has no more.
  void note_lost(const NodeInfo& before, const NodeInfo& now) {
    if (before.id() == now.id() && before.incarnation() == now.incarnation())
      return;
    for (auto& [sequence, waiting] : pending_)
      if (auto attempt = std::exchange(waiting.here_as, std::uint16_t{0});
          waiting.changes && attempt > 0)
        lost_requests_.push_back({{self_.session, sequence},
                                  door_span({self_.session, sequence}, attempt,
                                            node_from_bytes(before.id()), before.incarnation()),
                                  before.name()});
  }

  /// Waits before each round of tries except the first.
  result<void> pause(steady::time_point deadline) {
    auto wait = std::min({pause_, until(deadline), until(gives_up_at_)});
    pause_ = std::clamp<milliseconds>(2 * pause_, limits::reconnect_pause_min,
                                      limits::reconnect_pause_max);
    pollfd interrupted{options_.interrupt_fd, POLLIN, 0};
    if (::poll(&interrupted, 1, static_cast<int>(wait.count())) == 1)
      return fail(ec::cancelled, "interrupted");
    if (steady::now() >= deadline)
      return fail(ec::timed_out, "could not reconnect to any node in time");
    return {};
  }

  failure given_up() const {
    bool unsure = std::any_of(pending_.begin(), pending_.end(), [](const auto& entry) {
      return entry.second.changes && entry.second.may_be_done && !entry.second.follows;
    });
    failure why{ec::unavailable, lost_->message + ", and no node could be reached since"};
    return unsure ? may_have_been_done(why.message) : why;
  }

  void say(const std::string& line) const {
    if (options_.tell)
      options_.tell(line);
  }

  std::unique_ptr<client> link_;
  lasting_options options_;
  const address self_;
  std::uint64_t sequence_ = 0;
  std::map<std::uint64_t, pending> pending_; ///< by sequence number
  std::optional<failure> lost_;              ///< why there is no link
  steady::time_point gives_up_at_;
  milliseconds pause_{0};
  std::uint32_t losses_ = 0;
  std::vector<lost_request> lost_requests_;
};

} // namespace

std::unique_ptr<client> make_lasting(std::unique_ptr<client> first, lasting_options options) {
  return std::make_unique<lasting_client>(std::move(first), std::move(options));
}

} // namespace troupe
