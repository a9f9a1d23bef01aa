#include "nodes/client.hpp"

#include "actors/cluster/link_logic.hpp"
#include "actors/cluster/local_socket.hpp"
#include "actors/cluster/outbox.hpp"
#include "actors/cluster/socket.hpp"
#include "config/base/random.hpp"
#include "config/limits/links.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/piece_reader.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <deque>

namespace troupe {

namespace {

using steady = std::chrono::steady_clock;

/// Only for the link's deadlines, which only compare: setting the system clock must not end a link.
instant link_now() { return instant{steady::now().time_since_epoch()}; }

/// If a wait lasts so much longer than planned, the process was stopped meanwhile.
constexpr auto paused_min = std::chrono::seconds{5};

int milliseconds_until(steady::time_point deadline) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady::now());
  return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, 60'000));
}

class socket_client final : public client {
public:
  socket_client(client_options given, file_handle socket)
      : given_(std::move(given)),
        socket_(std::move(socket)), session_{given_.session ? given_.session
                                                            : session_id{random_bits() | 1}},
        waiting_(limits::link_bytes_max), protocol_(link_options(), link_now()) {}

  ~socket_client() override {
    if (lost_) // a client that comes back by another link has not left
      return;
    auto bye = protocol_.bye_frame({ec::unavailable, "the client has ended"});
    unsent_.insert(unsent_.end(), bye.begin(), bye.end()); // numbered frames stay in order
    ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  const Welcome& welcome() const override { return *welcome_; }
  address self() const override { return address::of_session(session_); }

  result<void> shake_hands(steady::time_point deadline) {
    if (auto begun = carry_out(protocol_.begin()); !begun)
      return begun;
    while (!welcome_) {
      if (steady::now() >= deadline)
        return fail(ec::unavailable, given_.peer + " accepted the connection but does not answer");
      if (auto turned = turn(deadline); !turned)
        return turned;
    }
    return {};
  }

  result<message_id> send(envelope message, std::chrono::milliseconds at_most) override {
    if (message.id.sequence == 0)
      message.id = {session_, ++sequence_};
    message.sender = self();
    auto id = message.id;
    auto deadline = steady::now() + at_most;
    if (auto queued = queue(message, deadline); !queued)
      return unexpected{queued.error()};
    handed_over_at_.reset();
    if (auto drained = drain(deadline); !drained) {
      auto why = drained.error();
      if (handed_over() && why.code != ec::cancelled)
        why = may_have_been_done(why.message);
      return unexpected{std::move(why)};
    }
    return id;
  }

  result<std::optional<envelope>> receive(std::chrono::milliseconds at_most) override {
    auto deadline = steady::now() + at_most;
    while (received_.empty()) {
      if (steady::now() >= deadline)
        return std::optional<envelope>{};
      if (auto turned = turn(deadline); !turned && received_.empty())
        return unexpected{turned.error()}; // first return what arrived before the end
    }
    auto next = std::move(received_.front());
    received_.pop_front();
    return std::optional<envelope>{std::move(next)};
  }

  void attend() override { [[maybe_unused]] auto turned = turn(steady::now()); }

private:
  link_logic::options link_options() const {
    link_logic::options options;
    options.own.set_version(link_version);
    options.own.set_cluster(given_.cluster);
    options.own.set_nonce(random_bytes(32));
    options.own.set_client(true);
    options.own.set_session(session_.value);
    options.secret = given_.secret;
    options.dialled = true;
    options.wanted = given_.wanted;
    return options;
  }

  /// Puts the message into the outbox as soon as there is room. Replies make room, so it reads.
  result<void> queue(const envelope& message, steady::time_point deadline) {
    for (;;) {
      if (received_.size() >= limits::link_unanswered_max)
        return fail(ec::overloaded, std::to_string(received_.size())
                                        + " messages have arrived and were not received yet");
      switch (waiting_.put(message)) {
        case outbox::put_result::queued:
          return {};
        case outbox::put_result::too_large:
          return fail(ec::too_large, "a message of more than "
                                         + std::to_string(limits::payload_bytes_max) + " bytes");
        case outbox::put_result::overloaded:
        case outbox::put_result::closed:
          break;
      }
      if (steady::now() >= deadline)
        return fail(ec::overloaded,
                    given_.peer + " has too many unanswered requests from this client");
      if (auto turned = turn(deadline); !turned)
        return turned;
    }
  }

  /// Writes until nothing waits.
  result<void> drain(steady::time_point deadline) {
    for (;;) {
      if (auto flushed = flush(); !flushed)
        return flushed;
      if (waiting_.waiting() + unsent_.size() == 0)
        return {};
      if (steady::now() >= deadline)
        return fail(ec::timed_out, given_.peer + " does not read what is sent to it");
      if (auto turned = turn(deadline); !turned)
        return turned;
    }
  }

  /// Whether the socket has taken the last byte of the message given to `send`. Bytes behind it in
  /// `unsent_`, such as an answer to a ping, do not count.
  bool handed_over() const { return handed_over_at_ && written_ >= *handed_over_at_; }

  /// Writes as much as the socket takes now.
  result<void> flush() {
    for (;;) {
      if (auto seal = protocol_.seal(); seal && unsent_.empty())
        waiting_.take(unsent_, limits::link_unsent_bytes_aim, *seal);
      if (!handed_over_at_ && waiting_.waiting() == 0)
        handed_over_at_ = written_ + unsent_.size();
      if (unsent_.empty())
        return {};
      auto written = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (written < 0)
        return errno == EAGAIN || errno == EINTR ? result<void>{} : lost(std::strerror(errno));
      written_ += static_cast<std::uint64_t>(written);
      unsent_.erase(unsent_.begin(), unsent_.begin() + written);
    }
  }

  /// Waits until something happens on the socket, at most until the deadline, and handles it. A
  /// lost link stays lost.
  result<void> turn(steady::time_point deadline) {
    if (lost_)
      return unexpected{*lost_};
    auto turned = turn_once(deadline);
    if (!turned && turned.error().code != ec::cancelled)
      lost_ = turned.error();
    return turned;
  }

  /// What the peer sends stays in the socket while as much as allowed waits to be received.
  result<void> turn_once(steady::time_point deadline) {
    bool full = received_.size() >= limits::link_unanswered_max;
    auto want = static_cast<short>((full ? 0 : POLLIN) | (unsent_.empty() ? 0 : POLLOUT));
    pollfd waits[] = {{socket_.get(), want, 0}, {given_.interrupt_fd, POLLIN, 0}};
    auto patience =
        std::min<int>(milliseconds_until(deadline),
                      static_cast<int>(limits::link_tick / std::chrono::milliseconds{1}));
    auto before = steady::now();
    ::poll(waits, 2, patience);
    if (auto passed = steady::now() - before;
        passed > std::chrono::milliseconds{patience} + paused_min)
      paused_ = std::chrono::duration_cast<std::chrono::seconds>(passed);
    if (waits[1].revents & POLLIN)
      return fail(ec::cancelled, "interrupted");
    if (waits[0].revents & ~POLLOUT) {
      if (auto read = read_all(); !read)
        return read;
    }
    if (auto ticked = carry_out(protocol_.tick(link_now())); !ticked)
      return ticked;
    return flush();
  }

  /// Reads everything that has arrived. If many messages already wait to be received, reads only
  /// one buffer.
  result<void> read_all() {
    char buffer[64 * 1024];
    do {
      auto got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
      if (got < 0)
        return errno == EAGAIN || errno == EINTR ? result<void>{} : lost(std::strerror(errno));
      if (got == 0)
        return lost("it closed the connection");
      if (auto fed = carry_out(protocol_.feed({buffer, static_cast<std::size_t>(got)}, link_now()));
          !fed)
        return fed;
    } while (received_.size() < limits::link_unanswered_max);
    return {};
  }

  result<void> carry_out(link_logic::effects out) {
    unsent_.insert(unsent_.end(), out.write.begin(), out.write.end());
    for (auto& message : out.received) {
      if (message.kind == message_kind::reply)
        waiting_.answered(message.id);
      received_.push_back(std::move(message));
    }
    if (out.welcome)
      welcome_ = std::move(out.welcome);
    if (out.failed)
      return unexpected{
          failure{out.failed->code == ec::bad_message ? ec::refused : out.failed->code,
                  given_.peer + ": " + out.failed->message}};
    return flush();
  }

  unexpected<failure> lost(const std::string& why) {
    auto told = "the connection to " + given_.peer + " was lost: " + why;
    if (paused_.count() > 0)
      told += "; this program was stopped for " + std::to_string(paused_.count())
              + " s, and nodes end the connections of clients that are silent for "
              + std::to_string(limits::client_silence_max / std::chrono::seconds{1}) + " s";
    lost_ = failure{ec::unavailable, told};
    return {*lost_};
  }

  client_options given_;
  file_handle socket_;
  session_id session_;
  std::uint64_t sequence_ = 0;
  outbox waiting_;
  link_logic protocol_;
  std::vector<char> unsent_;
  std::uint64_t written_ = 0;                   ///< bytes that the socket has taken
  std::optional<std::uint64_t> handed_over_at_; ///< at this count the socket has all that was sent
  std::chrono::seconds paused_{0};              ///< how long this process was stopped, last time
  std::deque<envelope> received_;
  std::optional<Welcome> welcome_;
  std::optional<failure> lost_; ///< why this link can no longer be used
};

result<file_handle> connect_until(const std::string& peer, steady::time_point deadline) {
  auto place = parse_address(peer);
  if (!place)
    return unexpected{place.error()};
  auto socket = start_connecting(*place);
  if (!socket)
    return fail(ec::unavailable, "nobody answers at " + peer + ": " + socket.error().message);
  pollfd ready{socket->get(), POLLOUT, 0};
  if (::poll(&ready, 1, milliseconds_until(deadline)) != 1)
    return fail(ec::unavailable, peer + " does not answer");
  if (auto done = connected(socket->get()); !done)
    return fail(ec::unavailable, "nobody answers at " + peer + ": " + done.error().message);
  return socket;
}

} // namespace

namespace {

result<std::unique_ptr<client>> connect_once(const client_options& options,
                                             steady::time_point deadline) {
  auto socket = options.folder.empty() ? connect_until(options.peer, deadline)
                                       : connect_locally(options.folder, options.connect_timeout);
  if (!socket)
    return unexpected{socket.error()};
  auto made = std::make_unique<socket_client>(options, std::move(*socket));
  if (auto shaken = made->shake_hands(deadline); !shaken)
    return unexpected{shaken.error()};
  return std::unique_ptr<client>{std::move(made)};
}

} // namespace

/// A door that is full of strangers may turn away anybody who has not proven who they are.
result<std::unique_ptr<client>> client::connect(const client_options& options) {
  auto deadline = steady::now() + options.connect_timeout;
  for (std::chrono::milliseconds pause{5};; pause *= 2) {
    auto made = connect_once(options, deadline);
    if (made || made.error().code != ec::overloaded || steady::now() + pause >= deadline)
      return made;
    pollfd interrupt{options.interrupt_fd, POLLIN, 0};
    if (::poll(&interrupt, 1, static_cast<int>(pause.count())) > 0)
      return fail(ec::cancelled, "interrupted");
  }
}

bool has_effect(payload_kind request) {
  switch (request) {
    case payload_kind::Echo:
    case payload_kind::BlobPut:
    case payload_kind::BlobPuts:
    case payload_kind::BlobGet:
    case payload_kind::StatusQuery:
    case payload_kind::TraceQuery:
    case payload_kind::RunsQuery:
    case payload_kind::RolesQuery:
    case payload_kind::ProvidersQuery:
    case payload_kind::EmbeddingRequest:
    case payload_kind::RunCancel:
    case payload_kind::RunsAsked:
    case payload_kind::RunAsked:
    case payload_kind::RunAttach:
      return false;
    default:
      return true;
  }
}

failure may_have_been_done(const std::string& why) {
  return {ec::outcome_unknown,
          "whether it was done is not known: " + why + "; look before you send it again"};
}

result<envelope> client::request(envelope message, std::chrono::milliseconds at_most,
                                 const std::function<void(envelope&)>& others) {
  // Who is asked knows better what became of the request when its time is over, so his answer has
  // time to come.
  auto deadline = steady::now() + at_most + limits::late_answer_max;
  message.kind = message_kind::request;
  if (message.remaining.count() == 0)
    message.remaining = at_most;
  auto target = to_string(message.target);
  bool changes = has_effect(message.body.kind());
  if (auto* said = message.body.as<AgentMessage>())
    said->set_paced(true);
  auto head = head_of(message);
  asked_ = {};
  auto id = send(std::move(message), at_most);
  if (!id)
    return unexpected{id.error()};
  asked_ = *id;
  head.id = *id;
  head.sender = self();
  piece_reader reader{head};
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady::now());
    auto next = receive(left);
    if (!next && changes && next.error().code != ec::cancelled
        && next.error().code != ec::outcome_unknown)
      return unexpected{may_have_been_done(next.error().message)};
    if (!next)
      return unexpected{next.error()};
    if (!*next)
      return fail(ec::timed_out,
                  target + " did not answer within " + std::to_string(at_most.count()) + " ms");
    if ((*next)->kind == message_kind::reply && (*next)->id == *id)
      return std::move(**next);
    bool is_part = (*next)->kind == message_kind::piece && (*next)->id == *id;
    auto taken = is_part ? reader.took(**next) : std::nullopt;
    if (others)
      others(**next);
    if (taken) { // if it is lost, the sender asks for it
      [[maybe_unused]] auto told = send(std::move(*taken), std::chrono::milliseconds{0});
    }
  }
}

} // namespace troupe
