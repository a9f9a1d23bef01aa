#include "nodes/child_process.hpp"

#include "config/limits/supervision.hpp"
#include "persistence/own_files.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string_view>

extern char** environ;

namespace troupe {

namespace {

/// Everything the child needs. It is made before the fork, because only async-signal-safe calls are
/// allowed after it.
struct launch_plan {
  std::string program;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  int null_fd = -1;
  int output_fd = -1;
  int ready_fd = -1;
  pid_t parent = 0;
};

[[noreturn]] void fail_launch(const char* why) {
  [[maybe_unused]] auto n = ::write(STDERR_FILENO, why, std::strlen(why));
  ::_exit(127);
}

[[noreturn]] void become(launch_plan& plan) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent)
    ::_exit(127); // the parent ended before prctl, so no signal would come
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL); // we send it, even if the process that started us ignores it
  ::umask(077);
  ::dup2(plan.output_fd, STDERR_FILENO);
  if (::dup2(plan.null_fd, STDIN_FILENO) < 0 || ::dup2(plan.output_fd, STDOUT_FILENO) < 0)
    fail_launch("cannot redirect the output\n");
  if (::dup2(plan.ready_fd, ready_fd_number) < 0)
    fail_launch("cannot pass on the ready pipe\n");
  // The node inherits nothing else: it would hold a lock, a pipe or a folder as long as it lives.
  ::syscall(SYS_close_range, ready_fd_number + 1, ~0U, 0);
  if (::chdir("/") != 0)
    fail_launch("cannot leave the working folder\n");
  ::execve(plan.program.c_str(), plan.arguments.data(), plan.environment.data());
  fail_launch("cannot run the node's program\n");
}

/// Descriptors above the ones that `become` sets, so that none of its `dup2` overwrites another.
int above_fixed(int fd) { return ::fcntl(fd, F_DUPFD_CLOEXEC, ready_fd_number + 1); }

unexpected<failure> system_failure(const std::string& what) {
  return fail(ec::storage_failed, what + ": " + std::strerror(errno));
}

/// Whether a child gets that variable, `NAME=value`. A list of what is needed, for nobody knows how
/// all secrets are called. `TROUPE_*` is in the configuration of the child by now.
bool inherits(std::string_view entry, const std::vector<std::string>& keys) {
  constexpr std::string_view person[] = {"PATH", "HOME", "USER",     "LOGNAME", "SHELL",
                                         "LANG", "TZ",   "LANGUAGE", "TMPDIR"};
  constexpr std::string_view writing[] = {"TERM", "NO_COLOR", "TRACEPARENT"};
  constexpr std::string_view network[] = {"RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES",
                                          "OPENSSL_CONF"};
  // With LD_PRELOAD belongs what libfaketime reads: without it a node's clock would not jump.
  constexpr std::string_view loading[] = {"GLIBC_TUNABLES", "LD_LIBRARY_PATH", "LD_PRELOAD",
                                          "LLVM_PROFILE_FILE", "DONT_FAKE_MONOTONIC"};
  constexpr std::string_view beginnings[] = {"LC_",       "XDG_",    "OTEL_",
                                             "SSL_CERT_", "MALLOC_", "FAKETIME"};
  constexpr std::string_view proxies[] = {"http_proxy",  "https_proxy", "all_proxy", "no_proxy",
                                          "HTTPS_PROXY", "ALL_PROXY",   "NO_PROXY"};
  constexpr std::string_view sanitizers[] = {"ASAN_OPTIONS", "LSAN_OPTIONS", "MSAN_OPTIONS",
                                             "TSAN_OPTIONS", "UBSAN_OPTIONS"};
  auto name = entry.substr(0, entry.find('='));
  auto is_one_of = [&](const auto& all) {
    return std::find(std::begin(all), std::end(all), name) != std::end(all);
  };
  return is_one_of(person) || is_one_of(writing) || is_one_of(network) || is_one_of(loading)
         || is_one_of(proxies) || is_one_of(sanitizers) || is_one_of(keys)
         || std::any_of(std::begin(beginnings), std::end(beginnings),
                        [&](std::string_view begin) { return name.starts_with(begin); });
}

} // namespace

std::string to_string(const child_exit& ended) {
  if (ended.signal == 0)
    return "exit code " + std::to_string(ended.code);
  return "killed by signal " + std::to_string(ended.signal) + " (" + ::strsignal(ended.signal)
         + ")";
}

result<child_process> spawn(const child_command& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return system_failure("cannot make a pipe");
  file_handle read_end{ends[0]};
  file_handle write_end{above_fixed(ends[1])};
  ::close(ends[1]);
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(write_end.get(), F_SETFL, O_NONBLOCK); // a slow reader must not stop the node
  file_handle opened_null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  file_handle null{above_fixed(opened_null.get())};
  auto opened = open_own_file(command.output, O_WRONLY | O_CREAT | O_APPEND);
  if (!opened)
    return unexpected{std::move(opened).error()};
  struct stat about {};
  if (::fstat(opened->get(), &about) == 0
      && static_cast<std::uint64_t>(about.st_size) > limits::node_output_bytes_max) [[maybe_unused]]
    auto emptied = ::ftruncate(opened->get(), 0); // if that fails, the file keeps growing
  auto output_from = ::lseek(opened->get(), 0, SEEK_END);
  file_handle output{above_fixed(opened->get())};
  if (!null || !write_end || !output)
    return system_failure("cannot start a process");

  launch_plan plan;
  plan.program = command.program.string();
  plan.arguments.push_back(plan.program.data());
  for (const auto& argument : command.arguments)
    plan.arguments.push_back(const_cast<char*>(argument.c_str()));
  plan.arguments.push_back(nullptr);
  for (auto entry = environ; *entry; ++entry)
    if (inherits(*entry, command.keys))
      plan.environment.push_back(*entry);
  plan.environment.push_back(nullptr);
  plan.null_fd = null.get();
  plan.output_fd = output.get();
  plan.ready_fd = write_end.get();
  plan.parent = ::getpid();

  auto pid = ::fork();
  if (pid < 0)
    return system_failure("cannot start a process");
  if (pid == 0)
    become(plan);
  // Only we reap the child, so its number cannot belong to another process yet.
  auto pidfd = open_pidfd(pid);
  if (!pidfd) { // we could not watch it
    auto failed = system_failure("cannot watch a process");
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return failed;
  }
  return child_process{pid, std::move(pidfd), std::move(read_end), output_from};
}

void close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned from = STDERR_FILENO + 1;
  for (auto fd : kept) {
    auto number = static_cast<unsigned>(fd);
    if (fd < 0 || number < from)
      continue;
    if (number > from)
      ::syscall(SYS_close_range, from, number - 1, 0);
    from = number + 1;
  }
  ::syscall(SYS_close_range, from, ~0U, 0);
}

child_exit reap(const child_process& process) {
  int status = 0;
  while (::waitpid(process.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    return {128 + WTERMSIG(status), WTERMSIG(status)};
  return {WEXITSTATUS(status), 0};
}

// Calls it by number, because the header of Debian 12's C library cannot be used from C++.
file_handle open_pidfd(pid_t pid) {
  return file_handle{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}

bool send_signal(const file_handle& pidfd, int signal) {
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
}

} // namespace troupe
