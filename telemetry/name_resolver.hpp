#pragma once

#include "messages/errors.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// Addresses as text, IPv6 without brackets, the best first.
using name_addresses = std::vector<std::string>;

/// Looks a name up, and may take as long as the name server does. `not_found`: there is no such
/// name. `unavailable`: nobody said whether there is.
using name_lookup = std::function<result<name_addresses>(const std::string& host)>;

/// By the system (getaddrinfo).
result<name_addresses> look_up_name(const std::string& host);

/// Looks names up without making anybody wait who does not ask for that name.
///
/// `getaddrinfo` blocks for as long as the name server is silent, and cannot be called off. So each
/// name that is being looked up has a thread of its own, up to `name_threads_max`; they start when
/// they are needed and end when idle. The one who asks is one thread; `wake` is called from the
/// others when `take` has something. A thread that hangs when this object goes is left behind: it
/// holds nothing but its part of the pool.
///
/// A name is known for `name_lifetime`. After that it is looked up again, and until the answer
/// comes, what was known goes on being used; also if the name server no longer answers.
class name_resolver {
public:
  using clock = std::chrono::steady_clock;

  struct found {
    std::string host;
    result<name_addresses> addresses;
  };

  name_resolver(name_lookup look_up, std::function<void()> wake);
  ~name_resolver();
  name_resolver(const name_resolver&) = delete;
  name_resolver& operator=(const name_resolver&) = delete;

  /// What is known. If that is nothing, or old, the name is being looked up after this.
  std::optional<name_addresses> find(const std::string& host, clock::time_point now);
  /// The answers that have come since the last call.
  std::vector<found> take(clock::time_point now);

private:
  struct pool;
  struct known {
    name_addresses addresses; ///< empty: being looked up for the first time
    clock::time_point until;
    bool asked = false; ///< being looked up
  };

  void make_room();

  std::map<std::string, known> names_;
  std::shared_ptr<pool> pool_; ///< of the threads, too
};

} // namespace troupe
