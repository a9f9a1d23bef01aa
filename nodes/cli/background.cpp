#include "nodes/cli/background.hpp"

#include "nodes/child_process.hpp"
#include "nodes/cli/interrupts.hpp"
#include "nodes/exit_codes.hpp"
#include "persistence/own_files.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace troupe::cli {

namespace {

// Bytes that never occur in lines mark what follows.
constexpr char mark_ready = '\0';
constexpr char mark_error = '\1';
constexpr char mark_stood_back = '\2';

/// The foreground's side: prints what it receives until the mark or the end.
class listener {
public:
  enum class stage : std::uint8_t {
    lines,      ///< what comes is shown
    error,      ///< the same, as an error; the end follows
    ready,      ///< the background goes on without us
    stood_back, ///< it ends, because another does what was wanted
  };
  stage now() const noexcept { return now_; }
  bool is_over() const noexcept { return now_ == stage::ready || now_ == stage::stood_back; }

  void take(std::string_view bytes) {
    constexpr std::string_view marks{"\0\1\2", 3};
    for (std::size_t at = 0; at < bytes.size() && !is_over();) {
      auto mark = bytes.find_first_of(marks, at);
      auto text = bytes.substr(at, mark == bytes.npos ? bytes.npos : mark - at);
      now_ == stage::error ? tell(text) : print(text);
      if (mark == bytes.npos)
        break;
      now_ = bytes[mark] == mark_ready   ? stage::ready
             : bytes[mark] == mark_error ? stage::error
                                         : stage::stood_back;
      at = mark + 1;
    }
  }

private:
  stage now_ = stage::lines;
};

std::optional<int> wait_in_foreground(pid_t child, int pipe, interrupts& signals) {
  listener shown;
  bool interrupted = false;
  while (!shown.is_over()) {
    std::array<pollfd, 2> watched{{{pipe, POLLIN, 0}, {signals.fd(), POLLIN, 0}}};
    if (::poll(watched.data(), watched.size(), -1) < 0)
      continue;
    if (watched[1].revents != 0 && signals.take() != 0) {
      interrupted = true;
      ::kill(child, SIGTERM);
    }
    std::array<char, 4096> bytes;
    if (watched[0].revents == 0)
      continue;
    auto got = ::read(pipe, bytes.data(), bytes.size());
    if (got == 0)
      break;
    if (got > 0)
      shown.take({bytes.data(), static_cast<std::size_t>(got)});
  }
  if (shown.now() == listener::stage::ready && !interrupted)
    return exit_ok;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (interrupted)
    return exit_interrupted;
  if (shown.now() == listener::stage::stood_back)
    return std::nullopt;
  return WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : exit_unavailable;
}

} // namespace

void background::line(const std::string& text) {
  print(text);
  send(text);
}

void background::ready() {
  send(std::string(1, mark_ready));
  pipe_ = file_handle{};
}

void background::failed(const cli_error& error, bool as_json) {
  report(error, as_json);
  send((as_json ? "" : std::string(1, mark_error)) + error_text(error, as_json));
  pipe_ = file_handle{};
}

void background::stands_back() {
  send(std::string(1, mark_stood_back));
  pipe_ = file_handle{};
}

void background::send(const std::string& text) {
  // It fits into the pipe. If the foreground has ended, there is nobody to tell.
  if (pipe_) [[maybe_unused]]
    auto written = ::write(pipe_.get(), text.data(), text.size());
}

std::optional<int> run_in_background(const std::filesystem::path& log,
                                     const std::function<int(background&)>& work) {
  interrupts
      signals; // blocked in both processes from here on, so none is lost between fork and wait
  int ends[2];
  auto opened = open_own_file(log, O_WRONLY | O_CREAT | O_APPEND);
  if (!opened)
    return report(error_of_files(opened.error()));
  auto output = *std::move(opened);
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return report({exit_unavailable, "unavailable",
                   std::string("cannot make a pipe: ") + std::strerror(errno)});
  file_handle from_background{ends[0]};
  file_handle to_foreground{ends[1]};
  std::fflush(nullptr);
  auto child = ::fork();
  if (child < 0)
    return report({exit_unavailable, "unavailable",
                   std::string("cannot start a process: ") + std::strerror(errno)});
  if (child > 0) {
    to_foreground = file_handle{};
    return wait_in_foreground(child, from_background.get(), signals);
  }
  ::setsid();
  from_background = file_handle{};
  file_handle null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  ::dup2(null.get(), STDIN_FILENO);
  ::dup2(output.get(), STDOUT_FILENO);
  ::dup2(output.get(), STDERR_FILENO);
  output = file_handle{};
  null = file_handle{};
  // The cluster must not keep files open that the caller of `up` had open (a lock, the pipe of
  // $(...)).
  close_all_but({to_foreground.get(), signals.fd()});
  background link{std::move(to_foreground)};
  return work(link);
}

} // namespace troupe::cli
