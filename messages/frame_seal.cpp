#include "messages/frame_seal.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstring>
#include <new>
#include <stdexcept>

namespace troupe {

namespace {

constexpr std::size_t nonce_bytes = 12;

/// OpenSSL fails here only if it lacks memory or AES: the link must end, not go on unsealed.
void require(bool done) {
  if (!done)
    throw std::runtime_error{"OpenSSL cannot seal a frame"};
}

} // namespace

void frame_seal::deleter::operator()(evp_cipher_ctx_st* context) const noexcept {
  EVP_CIPHER_CTX_free(context);
}

frame_seal::frame_seal(const frame_key& key) : context_(EVP_CIPHER_CTX_new()) {
  if (!context_)
    throw std::bad_alloc{};
  require(EVP_EncryptInit_ex(context_.get(), EVP_aes_256_gcm(), nullptr, key.data(), nullptr) == 1);
}

frame_seal::~frame_seal() = default;
frame_seal::frame_seal(frame_seal&&) noexcept = default;
frame_seal& frame_seal::operator=(frame_seal&&) noexcept = default;

frame_seal::tag frame_seal::next(std::string_view bytes) {
  unsigned char nonce[nonce_bytes] = {};
  std::memcpy(nonce, &number_, sizeof number_);
  ++number_;
  tag made;
  int written = 0;
  auto context = context_.get();
  auto data = reinterpret_cast<const unsigned char*>(bytes.data());
  require(EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce) == 1
          && EVP_EncryptUpdate(context, nullptr, &written, data, static_cast<int>(bytes.size()))
                 == 1
          && EVP_EncryptFinal_ex(context, made.data(), &written) == 1
          && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(made.size()),
                                 made.data())
                 == 1);
  return made;
}

bool frame_seal::matches_next(std::string_view bytes, std::string_view given) {
  auto right = next(bytes);
  return given.size() == right.size()
         && CRYPTO_memcmp(given.data(), right.data(), right.size()) == 0;
}

} // namespace troupe
