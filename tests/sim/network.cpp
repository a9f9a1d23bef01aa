#include "tests/sim/network.hpp"

#include "config/limits/links.hpp"

#include <algorithm>

namespace troupe::sim {

/// Both ends of a connection, and what is between them.
struct connection {
  struct end {
    machine at = 0;
    wire_end* there = nullptr; ///< null: closed, or its machine has stopped
    std::deque<std::vector<char>> came;
    bool listens = false;
    bool over = false;   ///< nothing comes after what came
    instant last{};      ///< when the last of what was written to this end arrives
    std::size_t due = 0; ///< bytes on their way to this end, or not read yet
  };
  end ends[2];
  bool broken = false;
};

wire_end::~wire_end() { close(); }

void wire_end::write(std::vector<char> bytes) {
  if (!bytes.empty() && of_->ends[side_].there == this)
    network_.write(of_, side_, std::move(bytes));
}

void wire_end::listen() {
  of_->ends[side_].listens = true;
  network_.take(of_, side_);
}

std::size_t wire_end::unsent() const { return of_->ends[1 - side_].due; }

void wire_end::close() {
  if (of_->ends[side_].there == this)
    network_.close(of_, side_);
}

network::network(agenda& when, std::uint64_t seed, network_options options, std::size_t machines)
    : when_(when), dice_(seed, 1), options_(options), places_(machines) {}

network::~network() = default;

std::chrono::nanoseconds network::latency() {
  return dice_.between(options_.latency_min, options_.latency_max);
}

instant network::arrival(machine from, machine to, instant not_before) {
  auto begin = now_();
  if (auto cut = places_[from].cut_until.find(to); cut != places_[from].cut_until.end())
    begin = std::max(begin, cut->second);
  auto takes = latency();
  if (dice_.once_in(options_.lost_once_in))
    takes += options_.sent_again_after;
  return std::max(begin + takes, not_before);
}

void network::dial(machine from, machine to,
                   std::function<void(answer, std::shared_ptr<wire_end>)> done) {
  auto out = arrival(from, to, now_()) - now_();
  auto back = arrival(to, from, now_()) - now_();
  auto answer_later = [this, from, done](std::chrono::nanoseconds after, answer said,
                                         std::shared_ptr<wire_end> wire) {
    when_.later(after, [this, from, done, said, wire] {
      when_running(from, [done, said, wire] { done(said, wire); });
    });
  };
  if (places_[to].off || out + back > limits::dial_timeout)
    return answer_later(limits::dial_timeout, answer::timed_out, nullptr);
  when_.later(out, [this, from, to, back, answer_later] {
    if (!places_[to].accept || places_[to].off)
      return answer_later(back, answer::refused, nullptr);
    auto made = std::make_shared<connection>();
    made->ends[0].at = from;
    made->ends[1].at = to;
    auto mine = std::make_shared<wire_end>(*this, made, 0);
    auto theirs = std::make_shared<wire_end>(*this, made, 1);
    made->ends[0].there = mine.get();
    made->ends[1].there = theirs.get();
    forget_old();
    connections_.push_back(made);
    when_running(to, [this, to, theirs] {
      if (places_[to].accept)
        places_[to].accept(theirs);
    });
    answer_later(back, answer::connected, mine);
  });
}

void network::listen(machine at, std::function<void(std::shared_ptr<wire_end>)> accept) {
  places_[at].accept = std::move(accept);
}

void network::when_running(machine at, std::function<void()> what) {
  if (is_paused(at))
    places_[at].waiting.push_back(std::move(what));
  else
    what();
}

void network::write(const std::shared_ptr<connection>& on, std::size_t side,
                    std::vector<char> bytes) {
  auto& to = on->ends[1 - side];
  if (on->broken)
    return;
  if (!to.there) { // its system, if there is one, says that nobody is there
    if (!places_[to.at].off)
      tell_closed(on, side, latency());
    return;
  }
  to.last = arrival(on->ends[side].at, to.at, to.last);
  to.due += bytes.size();
  auto parcel = std::make_shared<std::vector<char>>(std::move(bytes));
  when_.later(to.last - now_(), [this, on, side, parcel] {
    auto& there = on->ends[1 - side];
    if (on->broken || !there.there)
      return;
    for (std::uint64_t part : {static_cast<std::uint64_t>(there.at), parcel->size() + 1,
                               static_cast<std::uint64_t>(now_().time_since_epoch().count())})
      hash_ = (hash_ ^ part) * 0x100000001b3ULL;
    there.came.push_back(std::move(*parcel));
    take(on, 1 - side);
  });
}

void network::close(const std::shared_ptr<connection>& on, std::size_t side) {
  on->ends[side].there = nullptr;
  on->ends[side].came.clear();
  auto& to = on->ends[1 - side];
  if (on->broken || !to.there)
    return;
  to.last = arrival(on->ends[side].at, to.at, to.last);
  tell_closed(on, 1 - side, to.last - now_());
}

/// Gives the end what came, if its machine runs.
void network::take(const std::shared_ptr<connection>& on, std::size_t side) {
  auto& mine = on->ends[side];
  if (!mine.listens)
    return;
  while (mine.there && !mine.came.empty() && !is_paused(mine.at)) {
    auto next = std::move(mine.came.front());
    mine.came.pop_front();
    mine.due -= next.size();
    auto told = mine.there->on_bytes; // copies: the end may go with what it hears
    told({next.data(), next.size()});
    when_running(on->ends[1 - side].at, [on, side] {
      if (auto writer = on->ends[1 - side].there) {
        auto room = writer->on_room;
        room();
      }
    });
  }
  if (mine.there && mine.over && mine.came.empty() && !is_paused(mine.at)) {
    auto told = mine.there->on_closed;
    mine.there = nullptr;
    told();
  }
}

void network::tell_closed(const std::shared_ptr<connection>& on, std::size_t side,
                          std::chrono::nanoseconds after) {
  when_.later(after, [this, on, side] {
    on->ends[side].over = true;
    take(on, side);
  });
}

void network::pause(machine at, std::chrono::nanoseconds time) {
  auto& who = places_[at];
  who.paused_until = std::max(who.paused_until, now_() + time);
  when_.later(who.paused_until - now_(), [this, at] {
    if (is_paused(at))
      return; // it was paused again
    auto waiting = std::exchange(places_[at].waiting, {});
    for (auto& what : waiting)
      what();
    auto all = connections_;
    for (const auto& on : all)
      for (std::size_t side : {0, 1})
        if (on->ends[side].at == at)
          take(on, side);
  });
}

void network::cut(machine from, machine to, std::chrono::nanoseconds time) {
  auto& until = places_[from].cut_until[to];
  until = std::max(until, now_() + time);
}

std::size_t network::break_all(machine a, machine b) {
  std::size_t broken = 0;
  auto all = connections_;
  for (const auto& on : all) {
    auto first = on->ends[0].at, second = on->ends[1].at;
    if (on->broken || !((first == a && second == b) || (first == b && second == a)))
      continue;
    on->broken = true;
    ++broken;
    for (std::size_t side : {0, 1})
      tell_closed(on, side, latency());
  }
  return broken;
}

void network::stop(machine at, bool silent) {
  auto& who = places_[at];
  who.accept = {};
  who.off = silent;
  who.waiting.clear();
  for (const auto& on : connections_)
    for (std::size_t side : {0, 1})
      if (on->ends[side].at == at && on->ends[side].there) {
        if (silent) {
          on->ends[side].there = nullptr;
          on->ends[side].came.clear();
        } else {
          close(on, side);
        }
      }
}

void network::start(machine at) { places_[at].off = false; }

void network::forget_old() {
  std::erase_if(connections_,
                [](const auto& on) { return !on->ends[0].there && !on->ends[1].there; });
}

} // namespace troupe::sim
