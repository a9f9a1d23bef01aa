#pragma once

#include "actors/llm/http_port.hpp"
#include "messages/http.pb.h"
#include "tests/sim/process.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace troupe::sim {

/// A chat whose answer was wanted as a whole.
struct whole_call {
  std::string question;
  bool is_given = false; ///< its answer: it is to be paid
};

/// What all providers of a world have done together.
struct provider_ledger {
  std::uint64_t begun = 0;
  std::uint64_t whole = 0;     ///< all of the answer was taken
  std::uint64_t cancelled = 0; ///< by the node
  std::uint64_t refused = 0;   ///< answered by an error
  std::uint64_t cut = 0;       ///< in the middle of the answer
  std::uint64_t given = 0;     ///< pieces
  /// Calls of which a part was given, and is not taken yet.
  std::map<std::pair<node_id, std::uint64_t>, std::uint64_t> open;
  /// By their numbers, from 1. The number is the answer: no two calls have the same.
  std::map<std::int64_t, whole_call> whole_calls;
};

/// The HTTP client of a simulated node, and behind it a provider of OpenAI's form that answers each
/// chat with the numbers from zero on, one a piece, as fast as the node takes its events; or, if
/// the answer is wanted as a whole, with the number of the call. It ends with the life of the node.
class provider final : public http_port {
public:
  struct options {
    std::uint64_t pieces = 5'000;         ///< of an answer
    std::uint64_t pieces_of_event = 400;  ///< at most
    std::chrono::nanoseconds latency_max; ///< of an event
    std::uint64_t refuses_once_in = 0;    ///< calls; zero: never
    std::uint64_t cuts_once_in = 0;       ///< events: the connection breaks after it; zero: never
  };

  provider(process& node, options how, dice& random, provider_ledger& ledger)
      : node_(node), how_(how), random_(random), ledger_(ledger) {}
  ~provider() override;

  void start(outgoing wanted) override;
  void cancel(std::uint64_t id) override;
  void taken(std::uint64_t id) override;
  std::vector<refused_key> refused_keys(const std::string&) override { return {}; }
  std::string without_keys(std::string_view, std::string text) const override { return text; }

  /// "0 1 2 "
  static std::string text_of(std::uint64_t pieces);

private:
  struct call {
    std::uint64_t given = 0;   ///< pieces
    std::int64_t is_whole = 0; ///< its number, if its answer is wanted as a whole
  };

  void deliver(std::uint64_t id);
  void give_pieces(call& of, HttpEvent& told);
  void give_whole(const call& of, HttpEvent& told);
  void post(HttpEvent told);
  void deliver_later(std::uint64_t id);

  process& node_;
  options how_;
  dice& random_;
  provider_ledger& ledger_;
  std::map<std::uint64_t, call> calls_;
};

} // namespace troupe::sim
