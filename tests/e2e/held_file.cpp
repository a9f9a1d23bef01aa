#include "tests/e2e/held_file.hpp"

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace troupe::tests {

held_file::held_file(const std::filesystem::path& path) {
  std::signal(SIGIO, SIG_IGN); // which the holder gets when somebody waits; it would end the tests
  file_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file_ < 0 || ::fcntl(file_, F_SETLEASE, F_WRLCK) != 0)
    throw std::runtime_error(path.string()
                             + " cannot be held: " + std::generic_category().message(errno));
}

void held_file::let_go() {
  if (file_ < 0)
    return;
  ::fcntl(file_, F_SETLEASE, F_UNLCK);
  ::close(file_);
  file_ = -1;
}

} // namespace troupe::tests
