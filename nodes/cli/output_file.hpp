#pragma once

#include "messages/errors.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string_view>

namespace troupe::cli {

/// Where `--output` goes. Found out to be writable before the work begins; replaced as a whole at
/// its end, with the mode that it had. What is no file but a device or a pipe, such as /dev/stdout
/// or a shell's >(...), is written to.
class output_file {
public:
  /// `storage_failed` if nothing could be written there.
  static result<output_file> prepare(const std::filesystem::path& path);

  result<void> write(std::string_view text) const;

private:
  struct special {
    dev_t device = 0;
    ino_t number = 0;
  };

  result<void> write_special(std::string_view text) const;

  std::filesystem::path shown_;    ///< as it was given
  std::filesystem::path path_;     ///< links resolved, those of /proc excepted
  mode_t mode_ = 0644;             ///< a report is for those whom the umask lets
  std::optional<special> special_; ///< a device or a pipe, written to as it is
};

} // namespace troupe::cli
