#include "messages/name.hpp"

#include "config/base/utf8.hpp"
#include "config/limits/messages.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace troupe {

/// The names that are kept, in parts so that threads rarely meet.
class kept_names {
public:
  static name::body* find_or_make(std::string_view text) {
    auto hash = XXH3_64bits(text.data(), text.size());
    auto& all = table();
    auto& mine = all[hash % all.size()];
    bool full = false; // and then for good
    {
      std::shared_lock guard{mine.mutex};
      if (auto found = mine.find(text, hash))
        return found;
      full = mine.is_full();
    }
    std::unique_ptr<name::body> made{new name::body{1, hash, std::string{text}}};
    if (full)
      return made.release();
    std::unique_lock guard{mine.mutex};
    if (auto found = mine.find(text, hash)) // it was made meanwhile
      return found;
    if (!mine.is_full()) {
      made->kept = true;
      mine.bodies.emplace(hash, made.get());
    }
    return made.release();
  }

private:
  static constexpr std::size_t parts = 16;

  struct alignas(64) part {
    std::shared_mutex mutex;
    std::unordered_multimap<std::uint64_t, name::body*> bodies;

    bool is_full() const { return bodies.size() >= limits::names_kept_max / parts; }
    name::body* find(std::string_view text, std::uint64_t hash) const {
      auto [begin, end] = bodies.equal_range(hash);
      for (auto at = begin; at != end; ++at)
        if (at->second->text == text)
          return at->second;
      return nullptr;
    }
  };

  /// Never destroyed: names in static objects end after it would.
  static std::array<part, parts>& table() {
    static auto& made = *new std::array<part, parts>;
    return made;
  }
};

name::name(std::string_view text) : body_(kept_names::find_or_make(text)) {}

std::string_view role_of(const name& agent) {
  auto text = agent.text();
  return text.substr(0, text.find_first_of("/#"));
}

name pool_slot(std::string_view role, std::size_t index) {
  return name{std::string{role} + '#' + std::to_string(index)};
}

bool is_pool_slot(const name& agent) { return agent.text().find('/') == std::string_view::npos; }

bool is_role_name(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z'
         && std::all_of(text.begin(), text.end(), allowed);
}

result<name> parse_agent_name(std::string_view text) {
  auto slash = text.find('/');
  if (slash == std::string_view::npos || slash + 1 == text.size())
    return fail(ec::invalid_argument, "an agent is written ROLE/KEY, such as librarian/ada");
  if (!is_role_name(text.substr(0, slash)))
    return fail(ec::invalid_argument,
                "a role is written with lower-case letters, digits, '-' and '_', beginning with a "
                "letter");
  if (text.size() > limits::agent_name_bytes_max)
    return fail(ec::invalid_argument, "an agent's name is at most "
                                          + std::to_string(limits::agent_name_bytes_max)
                                          + " bytes");
  if (!is_utf8(text))
    return fail(ec::invalid_argument, "an agent's key is UTF-8 text, found \"" + valid_utf8(text)
                                          + "\", where \xEF\xBF\xBD stands for what is not");
  auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), control))
    return fail(ec::invalid_argument, "an agent's key has no control characters");
  return name{text};
}

} // namespace troupe
