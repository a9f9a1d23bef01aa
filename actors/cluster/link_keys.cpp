#include "actors/cluster/link_keys.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <stdexcept>

namespace troupe {

namespace {

constexpr std::size_t digest_bytes = 32;

std::string hmac(std::string_view key, std::string_view text) {
  std::string mac(digest_bytes, '\0');
  unsigned int size = 0;
  auto made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                   reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                   reinterpret_cast<unsigned char*>(mac.data()), &size);
  if (!made || size != digest_bytes)
    throw std::runtime_error{"OpenSSL has no HMAC-SHA256"};
  return mac;
}

/// Both Hellos. The size keeps bytes from moving from one to the other.
std::string both_hellos(const link_transcript& seen) {
  std::string text = std::to_string(seen.dialled.size()) + ' ';
  text.append(seen.dialled);
  text.append(seen.accepted);
  return text;
}

frame_key to_key(std::string_view bytes) {
  frame_key key;
  std::copy_n(bytes.begin(), key.size(), key.begin());
  return key;
}

} // namespace

std::string proof_of(const link_transcript& seen, bool by_dialler) {
  std::string text = by_dialler ? "troupe link 2 dialler" : "troupe link 2 acceptor";
  return hmac(seen.secret, text + both_hellos(seen));
}

link_keys keys_of(const link_transcript& seen) {
  // RFC 5869: extract, then expand to two blocks of one hash each.
  auto pseudo_random = hmac("troupe link 2 keys" + both_hellos(seen), seen.secret);
  const std::string info = "troupe link 2 frames";
  auto first = hmac(pseudo_random, info + '\1');
  auto second = hmac(pseudo_random, first + info + '\2');
  return {to_key(first), to_key(second)};
}

} // namespace troupe
