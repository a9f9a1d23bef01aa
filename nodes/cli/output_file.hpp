#pragma once

#include "messages/errors.hpp"

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string_view>

namespace troupe::cli {

/// The file of `--output`. It is checked to be writable before the work begins. At the end it is
/// replaced as a whole and keeps its mode. A device or a pipe, such as /dev/stdout or a shell's
/// >(...), is written to directly.
class output_file {
public:
  /// `storage_failed` if the file cannot be written.
  static result<output_file> prepare(const std::filesystem::path& path);

  result<void> write(std::string_view text) const;

private:
  struct special {
    dev_t device = 0;
    ino_t number = 0;
  };

  result<void> write_special(std::string_view text) const;

  std::filesystem::path shown_;    ///< as it was given
  std::filesystem::path path_;     ///< with links resolved, except those of /proc
  mode_t mode_ = 0644;             ///< for a new file, reduced by the umask
  std::optional<special> special_; ///< set for a device or a pipe
};

} // namespace troupe::cli
