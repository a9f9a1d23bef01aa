#pragma once

#include "actors/llm/pacing/limit_headers.hpp"
#include "messages/ids.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace troupe {

/// How fast one provider with one key may be asked, as it has told.
///
/// The problem: who asks too often is refused, pays for it in waiting time, and learns nothing of
/// whose turn it is. So a call that the provider would refuse waits here, in the order of the
/// queue. Nothing is held back before the provider has said something: its headers (after each
/// answer), or a 429.
///
/// - Of requests and of tokens there is a stock: what was said to remain, less what has gone since.
///   It grows evenly until `reset`, when all is there again. A call needs one request and its
///   expected tokens; what it really took is settled when it ends.
/// - A 429 stops everything until `Retry-After`, or for a second, doubled with each further one up
///   to a minute; the first answer ends that. A call that was sent before the 429 came does not
///   count twice.
/// - Other nodes of the cluster use the same key: what remains is what all of them left, and each
///   of `nodes` takes only its share of that, and of the growth, until it is told again.
class provider_pace {
public:
  using instant = troupe::instant;

  /// Nothing: a call of so many tokens may go now. Otherwise when to ask again; `now` is never the
  /// answer. A call of more tokens than the limit may go when all of them are there.
  std::optional<instant> waits(instant now, std::uint64_t tokens) const;

  /// It goes: it is counted.
  void began(instant now, std::uint64_t tokens);
  /// Its answer begins, and is no 429: the provider has counted it.
  void heard(instant now, std::uint64_t expected, const limit_headers& told);
  /// It was heard, and took so many tokens of the `expected` ones.
  void ended(instant now, std::uint64_t expected, std::uint64_t tokens);
  /// It was refused as one too many. `began`: when it went.
  void refused(instant began, instant now, std::uint64_t expected,
               std::optional<std::chrono::nanoseconds> retry_after, const limit_headers& told);
  /// It ended without an answer, otherwise; nothing was heard of it.
  void failed(std::uint64_t expected);
  /// How many nodes share the key; at least 1.
  void share_among(std::uint32_t nodes) { nodes_ = nodes == 0 ? 1 : nodes; }

  /// What is known, for people. 0: the provider has said nothing of it.
  struct known_limits {
    std::uint64_t requests = 0, requests_left = 0; ///< in a window, and of this node at `now`
    std::uint64_t tokens = 0, tokens_left = 0;
  };
  known_limits known(instant now) const;

  bool invariants() const;

private:
  /// Requests or tokens.
  struct stock {
    bool is_known = false;
    double limit = 0;
    double left = 0; ///< at `at`; below 0 if more has gone than there was
    double per_second = 0;
    instant at{};

    double left_at(instant now) const;
    void learn(const told_limit& told, instant now, std::uint32_t nodes, double on_their_way);
    void use(instant now, double amount);
    /// When so much will be there; nothing: it is.
    std::optional<instant> has(instant now, double amount) const;
  };

  void learn(const limit_headers& told, instant now);

  stock requests_, tokens_;
  std::uint64_t calls_out_ = 0;  ///< on their way
  std::uint64_t tokens_out_ = 0; ///< expected of those
  std::uint32_t nodes_ = 1;
  std::uint32_t refusals_ = 0; ///< in a row
  instant stopped_until_{};
  instant refused_at_{};
};

} // namespace troupe
