#pragma once

#include "messages/errors.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// An immutable, shared string with its hash. Used for the names of agents and tenants, which every
/// envelope carries. The hash (XXH3) is fixed for every node and version, because homes are chosen
/// by it.
///
/// The first `limits::names_kept_max` different names of a process are kept until its end: copying
/// one copies a pointer. Threads that exchange messages would otherwise write the same counters all
/// the time. A process that has more names, such as one with an agent for each of a million
/// conversations, counts the references of the others.
class name {
public:
  name() noexcept = default;
  explicit name(std::string_view text);
  name(const name& other) noexcept : body_(other.body_) { retain(); }
  name(name&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  name& operator=(name other) noexcept { return std::swap(body_, other.body_), *this; }
  ~name() { release(); }

  std::string_view text() const noexcept { return body_ ? body_->text : std::string_view{}; }
  std::uint64_t hash() const noexcept { return body_ ? body_->hash : 0; }
  bool empty() const noexcept { return body_ == nullptr; }

  friend bool operator==(const name& a, const name& b) noexcept {
    return a.body_ == b.body_ || (a.hash() == b.hash() && a.text() == b.text());
  }
  friend auto operator<=>(const name& a, const name& b) noexcept { return a.text() <=> b.text(); }

private:
  struct body {
    std::atomic<std::uint32_t> references;
    std::uint64_t hash;
    std::string text;
    bool kept = false; ///< until the end of the process; never changes once others see it
  };
  friend class kept_names;

  void retain() const noexcept {
    if (body_ && !body_->kept)
      body_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept {
    if (body_ && !body_->kept && body_->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
      delete body_;
  }

  body* body_ = nullptr;
};

/// The role in an agent name: the part before the first `/` or `#`.
std::string_view role_of(const name& agent);

/// The name of slot `index` in the pool of `role`: `role#index`. A slot belongs to its node.
name pool_slot(std::string_view role, std::size_t index);

/// Whether it is a slot name, not `role/key`.
bool is_pool_slot(const name& agent);

/// Checks a name that a person typed: `ROLE/KEY`, neither part empty, no control characters, UTF-8,
/// at most `agent_name_bytes_max` bytes.
result<name> parse_agent_name(std::string_view text);

/// Whether a role may have that name: lower-case letters, digits, `-`, `_`, beginning with a
/// letter.
bool is_role_name(std::string_view text);

} // namespace troupe

template <>
struct std::hash<troupe::name> {
  std::size_t operator()(const troupe::name& n) const noexcept { return n.hash(); }
};
