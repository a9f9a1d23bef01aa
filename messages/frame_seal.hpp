#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

struct evp_cipher_ctx_st;

namespace troupe {

inline constexpr std::size_t frame_tag_bytes = 16;
using frame_key = std::array<unsigned char, 32>;

/// One direction of a link; its sender and its receiver each keep a copy. The n-th tag is GMAC
/// (AES-256-GCM without plaintext, NIST SP 800-38D) over the n-th frame's header and body, with n
/// as the nonce. If somebody without the key changes, omits, repeats, moves or invents a frame, it
/// has a wrong tag, and so has every frame after it.
///
/// A key is used in one direction of one session, so no nonce is used twice. Nothing is encrypted.
/// One cipher context lives as long as the direction, because making one costs more than a small
/// frame. Not thread-safe.
class frame_seal {
public:
  explicit frame_seal(const frame_key& key);
  ~frame_seal();
  frame_seal(frame_seal&&) noexcept;
  frame_seal& operator=(frame_seal&&) noexcept;

  using tag = std::array<unsigned char, frame_tag_bytes>;

  /// The tag of the next frame; `bytes` are its header and body.
  tag next(std::string_view bytes);

  /// Whether `given` is the tag of the next frame. Takes the same time regardless of which byte is
  /// wrong.
  [[nodiscard]] bool matches_next(std::string_view bytes, std::string_view given);

private:
  struct deleter {
    void operator()(evp_cipher_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_cipher_ctx_st, deleter> context_;
  std::uint64_t number_ = 0; ///< of the next frame
};

} // namespace troupe
