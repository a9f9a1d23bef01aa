#pragma once

#include "messages/byte_slice.hpp"
#include "messages/errors.hpp"
#include "messages/frame.hpp"
#include "messages/frame_seal.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// Cuts a byte stream into frames. Holds at most one incomplete frame.
class frame_reader {
public:
  /// Called for each complete frame, in order. The slice may be kept. Returning false ends the
  /// reading.
  using sink = std::function<bool(frame_kind, byte_slice)>;

  /// `bad_message` for a wrong preface, a frame that is too long, damaged or of unknown kind;
  /// `refused` for a frame that is not the next one the peer sealed. Feed nothing after that.
  result<void> feed(std::string_view bytes, const sink& on_frame);

  /// The frames after the current one are sealed. Called by the sink, once.
  void expect_sealed(frame_seal seal) {
    now_ = stage::sealed;
    seal_ = std::make_unique<frame_seal>(std::move(seal));
  }

  /// Bytes of an incomplete frame that are held.
  std::size_t held() const noexcept { return partial_.size(); }

  /// What is held is the beginning of something that is not complete: of the preface, of a header,
  /// or of a frame that fits.
  bool invariants() const;

private:
  /// What the bytes are that come next.
  enum class stage : std::uint8_t {
    preface, ///< of the preface
    plain,   ///< of plain frames
    sealed,  ///< of sealed frames: there is a seal to check them with
  };

  std::size_t header_bytes() const noexcept {
    return now_ == stage::sealed ? sealed_header_bytes : frame_header_bytes;
  }
  result<bool> read_preface(std::string_view& bytes);
  result<std::size_t> frame_size(std::string_view header) const;
  result<void> complete_partial(std::string_view& bytes, const sink& on_frame, bool& go_on);
  result<void> hand_on(const byte_slice& frame, const sink& on_frame, bool& go_on);

  stage now_ = stage::preface;
  std::string partial_; ///< what is not complete yet
  std::unique_ptr<frame_seal> seal_;
};

} // namespace troupe
