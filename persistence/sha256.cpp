#include "persistence/sha256.hpp"

#include <openssl/evp.h>

#include <cstdlib>

namespace troupe {

std::string sha256(std::string_view bytes) {
  std::string digest(32, '\0');
  unsigned size = 0;
  // It fails only if memory runs out; going on with a wrong address would store data that nobody
  // finds.
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                 EVP_sha256(), nullptr)
          != 1
      || size != digest.size())
    std::abort();
  return digest;
}

std::uint64_t short_sha256(std::string_view bytes) {
  std::uint64_t made = 0;
  for (auto byte : sha256(bytes).substr(0, sizeof made))
    made = made << 8 | static_cast<unsigned char>(byte);
  return made;
}

} // namespace troupe
