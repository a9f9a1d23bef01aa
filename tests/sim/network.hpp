#pragma once

#include "tests/sim/agenda.hpp"
#include "tests/sim/dice.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::sim {

/// A machine, by number: first the nodes, then the clients.
using machine = std::size_t;

struct network_options {
  std::chrono::nanoseconds latency_min = std::chrono::microseconds{100};
  std::chrono::nanoseconds latency_max = std::chrono::microseconds{100};
  /// Once in so many writes a packet is lost: TCP sends it again, and what follows waits for it.
  std::uint64_t lost_once_in = 0;
  std::chrono::nanoseconds sent_again_after = std::chrono::milliseconds{200};
};

class network;

/// One end of a connection. What is written arrives at the other end in the order in which it was
/// written, later, unless the connection breaks before.
class wire_end {
public:
  wire_end(network& in, std::shared_ptr<struct connection> of, std::size_t side)
      : network_(in), of_(std::move(of)), side_(side) {}
  ~wire_end();
  wire_end(const wire_end&) = delete;
  wire_end& operator=(const wire_end&) = delete;

  std::function<void(std::string_view)> on_bytes = [](std::string_view) {};
  std::function<void()> on_closed = [] {}; ///< the other end, or the connection, is gone
  std::function<void()> on_room = [] {};   ///< some of what was written has arrived

  /// From now on what comes is heard; until then it waits.
  void listen();
  void write(std::vector<char> bytes);
  /// Written and not arrived yet.
  std::size_t unsent() const;
  /// The other end hears of it after all that was written.
  void close();

private:
  network& network_;
  std::shared_ptr<struct connection> of_;
  std::size_t side_;
};

/// The connections between machines, as TCP behaves: bytes in order, none twice, none missing in
/// the middle; late; or the end of the connection, with which all that has not arrived is lost. So
/// within one link nothing is reordered, lost or doubled, as in a real one. Between one link and
/// the next everything is: the bytes of the old one may still be on their way when the new one
/// works, or may never come, and clients then repeat what was not answered.
///
/// What goes wrong is decided elsewhere (faults.hpp); this class does it.
class network {
public:
  enum class answer { connected, refused, timed_out };

  network(agenda& when, std::uint64_t seed, network_options options, std::size_t machines);
  ~network();

  /// `done` is called on `from`, and `accept` of `to` before it.
  void dial(machine from, machine to, std::function<void(answer, std::shared_ptr<wire_end>)> done);
  /// What `at` does with a connection; without it, connections are refused.
  void listen(machine at, std::function<void(std::shared_ptr<wire_end>)> accept);

  /// Calls it now, or when the machine goes on after a pause. Forgotten if the machine stops.
  void when_running(machine at, std::function<void()> what);

  // -- what goes wrong ------------------------------------------------------------------------

  void pause(machine at, std::chrono::nanoseconds time);
  /// Nothing gets from `from` to `to` for that long; it is not lost, but late.
  void cut(machine from, machine to, std::chrono::nanoseconds time);
  /// All connections between them break; what is on its way is lost. Returns how many.
  std::size_t break_all(machine a, machine b);
  /// `silent`: the machine has no power, so the others hear nothing. Otherwise its process has
  /// ended, and its system says so.
  void stop(machine at, bool silent);
  void start(machine at);
  void stop_losing() noexcept { options_.lost_once_in = 0; }

  /// Depends on every arrival: where, when, how much.
  std::uint64_t hash() const noexcept { return hash_; }

private:
  friend class wire_end;
  struct place {
    std::function<void(std::shared_ptr<wire_end>)> accept;
    bool off = false; ///< without power
    instant paused_until{};
    std::deque<std::function<void()>> waiting; ///< for the end of the pause
    std::map<machine, instant> cut_until;      ///< of what goes out
  };

  bool is_paused(machine at) const { return places_[at].paused_until > now_(); }
  instant now_() const { return when_.now(); }
  std::chrono::nanoseconds latency();
  instant arrival(machine from, machine to, instant not_before);
  void write(const std::shared_ptr<connection>& on, std::size_t side, std::vector<char> bytes);
  void close(const std::shared_ptr<connection>& on, std::size_t side);
  void take(const std::shared_ptr<connection>& on, std::size_t side);
  void tell_closed(const std::shared_ptr<connection>& on, std::size_t side,
                   std::chrono::nanoseconds after);
  void forget_old();

  agenda& when_;
  dice dice_;
  network_options options_;
  std::vector<place> places_;
  std::vector<std::shared_ptr<connection>> connections_;
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

} // namespace troupe::sim
