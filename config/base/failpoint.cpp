#include "config/base/failpoint.hpp"

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string>
#include <unistd.h>

namespace troupe {

namespace {

constexpr const char* variable = "TROUPE_TEST_FAILPOINT";

struct wanted_end {
  std::string place; ///< WHERE:WHAT
  unsigned hit = 0;
};

wanted_end read_wanted_end() {
  auto value = std::getenv(variable);
  if (!value)
    return {};
  std::string_view text{value};
  auto colon = text.rfind(':');
  wanted_end wanted{std::string{text.substr(0, colon)}, 1};
  if (colon != text.npos)
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), wanted.hit);
  return wanted;
}

} // namespace

const bool failpoint_is_set = std::getenv(variable) != nullptr;

void reach_failpoint(std::string_view where, std::string_view what) {
  static const auto wanted = read_wanted_end();
  static std::atomic<unsigned> hits{0};
  std::string_view place{wanted.place};
  if (place.size() == where.size() + 1 + what.size() && place.starts_with(where)
      && place[where.size()] == ':' && place.ends_with(what) && ++hits == wanted.hit)
    ::kill(::getpid(), SIGKILL);
}

} // namespace troupe
