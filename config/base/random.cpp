#include "config/base/random.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace troupe {

namespace {

void fill(char* to, std::size_t count) {
  while (count > 0) {
    auto got = ::getrandom(to, count, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0) {
      std::fprintf(stderr, "troupe: the system gives no random numbers: %s\n",
                   std::strerror(errno));
      std::abort();
    }
    to += got;
    count -= static_cast<std::size_t>(got);
  }
}

} // namespace

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  fill(bytes.data(), count);
  return bytes;
}

std::uint64_t random_bits() {
  std::uint64_t bits = 0;
  fill(reinterpret_cast<char*>(&bits), sizeof bits);
  return bits;
}

} // namespace troupe
