#pragma once

#include "messages/errors.hpp"

#include <filesystem>
#include <string_view>

namespace troupe::cli {

/// Where `--output` goes. Found out to be writable before the work begins; replaced as a whole at
/// its end.
class output_file {
public:
  /// `storage_failed` if nothing could be written there.
  static result<output_file> prepare(const std::filesystem::path& path);

  result<void> write(std::string_view text) const;

private:
  output_file(std::filesystem::path path, bool replace)
      : path_(std::move(path)), replace_(replace) {}

  std::filesystem::path path_; ///< links resolved
  bool replace_;               ///< false: a device or a pipe, written to as it is
};

} // namespace troupe::cli
