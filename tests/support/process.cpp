#include "tests/support/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace troupe::tests {

namespace {

[[noreturn]] void fail_system(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

int milliseconds_left(clock::time_point deadline) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
  return static_cast<int>(std::clamp<long>(left, 0, 3'600'000));
}

/// Waits until the descriptor is readable. For a pidfd this means that the process has ended.
bool wait_readable(int fd, clock::time_point deadline) {
  while (true) {
    pollfd waiting{fd, POLLIN, 0};
    int ready = ::poll(&waiting, 1, milliseconds_left(deadline));
    if (ready > 0)
      return true;
    if (ready == 0 && clock::now() >= deadline)
      return false;
    if (ready < 0 && errno != EINTR)
      fail_system("poll");
  }
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (auto& word : words)
    out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_of(const process_options& options) {
  std::vector<std::string> out;
  auto named = [](std::string_view entry, std::string_view key) {
    return entry.substr(0, entry.find('=')) == key;
  };
  for (char** entry = environ; *entry; ++entry) {
    bool left_out = false;
    for (const auto& key : options.unset)
      left_out |= named(*entry, key);
    for (const auto& [key, value] : options.environment)
      left_out |= named(*entry, key);
    if (!left_out)
      out.emplace_back(*entry);
  }
  for (const auto& [key, value] : options.environment)
    out.push_back(key + "=" + value);
  return out;
}

std::string stat_text(pid_t pid) {
  auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
  auto behind_name = text.rfind(')');
  return behind_name == std::string::npos ? "" : text.substr(behind_name + 2);
}

} // namespace

std::string to_string(const exit_state& ended) {
  return ended.signal ? "signal " + std::to_string(ended.signal)
                      : "exit code " + std::to_string(ended.code);
}

/// A thread reads both pipes, so the process never waits for the test.
struct process::impl {
  pid_t pid = 0;
  int pidfd = -1;
  int stop_pipe[2] = {-1, -1};
  std::optional<exit_state> ended;
  std::thread reader;

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::array<std::string, 2> text; ///< of standard output and error
  std::vector<arrival> arrivals;   ///< of standard output
  std::size_t read_to = 0;         ///< how far read_line has read standard output
  bool closed = false;             ///< both pipes

  void start(const process_options& options);
  [[noreturn]] void become(const process_options& options, char* const* arguments,
                           char* const* environment, pid_t parent, int out, int err, int report);
  void read_pipes(int out, int err);
  bool read_once(pollfd& from, std::string& into);
  ~impl();
};

void process::impl::become(const process_options& options, char* const* arguments,
                           char* const* environment, pid_t parent, int out, int err, int report) {
  // Between fork and exec, only calls that are safe in a signal handler are allowed.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  int in = ::open("/dev/null", O_RDONLY);
  if (::getppid() == parent && in >= 0 && ::dup2(in, 0) == 0 && ::dup2(out, 1) == 1
      && ::dup2(err, 2) == 2 && (options.folder.empty() || ::chdir(options.folder.c_str()) == 0))
    ::execve(options.program.c_str(), arguments, environment);
  int why = errno;
  if (::write(report, &why, sizeof why) < 0)
    ::_exit(126);
  ::_exit(127);
}

void process::impl::start(const process_options& options) {
  int out[2], err[2], report[2];
  for (auto* ends : {out, err, report, stop_pipe})
    if (::pipe2(ends, O_CLOEXEC) != 0)
      fail_system("pipe2");
  std::vector<std::string> words = options.arguments;
  words.insert(words.begin(), options.program.string());
  auto variables = environment_of(options);
  auto argument_pointers = pointers(words), environment_pointers = pointers(variables);
  auto parent = ::getpid();
  pid = ::fork();
  if (pid < 0)
    fail_system("fork");
  if (pid == 0)
    become(options, argument_pointers.data(), environment_pointers.data(), parent, out[1], err[1],
           report[1]);
  ::setpgid(pid, pid);
  for (int fd : {out[1], err[1], report[1]})
    ::close(fd);
  int why = 0;
  auto reported = ::read(report[0], &why, sizeof why);
  ::close(report[0]);
  if (reported > 0) {
    ::waitpid(pid, nullptr, 0);
    for (int fd : {out[0], err[0]})
      ::close(fd);
    errno = why;
    fail_system("cannot start " + options.program.string());
  }
  pidfd = open_pidfd(pid);
  if (pidfd < 0)
    fail_system("pidfd_open");
  reader = std::thread([this, o = out[0], e = err[0]] { read_pipes(o, e); });
}

bool process::impl::read_once(pollfd& from, std::string& into) {
  if (from.revents == 0)
    return true;
  std::array<char, 64 * 1024> bytes;
  auto count = ::read(from.fd, bytes.data(), bytes.size());
  if (count <= 0) {
    from.fd = -1;
    return false;
  }
  std::lock_guard lock{mutex};
  into.append(bytes.data(), static_cast<std::size_t>(count));
  if (&into == &text[0])
    arrivals.push_back({clock::now(), into.size()});
  changed.notify_all();
  return true;
}

void process::impl::read_pipes(int out, int err) {
  std::array<pollfd, 3> waiting{{{out, POLLIN, 0}, {err, POLLIN, 0}, {stop_pipe[0], POLLIN, 0}}};
  while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR)
      break;
    read_once(waiting[0], text[0]);
    read_once(waiting[1], text[1]);
    if (waiting[2].revents != 0)
      break;
  }
  ::close(out);
  ::close(err);
  std::lock_guard lock{mutex};
  closed = true;
  changed.notify_all();
}

process::impl::~impl() {
  if (stop_pipe[1] >= 0)
    ::close(stop_pipe[1]);
  if (reader.joinable())
    reader.join();
  for (int fd : {stop_pipe[0], pidfd})
    if (fd >= 0)
      ::close(fd);
}

process::process(process_options options) : impl_(std::make_unique<impl>()) {
  impl_->start(options);
}

process::process(process&&) noexcept = default;

process& process::operator=(process&& other) noexcept {
  if (impl_)
    kill_now();
  impl_ = std::move(other.impl_);
  return *this;
}

process::~process() {
  if (impl_)
    kill_now();
}

pid_t process::pid() const noexcept { return impl_->pid; }

std::optional<std::string> process::read_line(clock::duration at_most) {
  auto deadline = clock::now() + at_most;
  std::unique_lock lock{impl_->mutex};
  auto& text = impl_->text[0];
  while (true) {
    if (auto end = text.find('\n', impl_->read_to); end != std::string::npos) {
      auto line = text.substr(impl_->read_to, end - impl_->read_to);
      impl_->read_to = end + 1;
      return line;
    }
    if (impl_->closed || impl_->changed.wait_until(lock, deadline) == std::cv_status::timeout)
      return std::nullopt;
  }
}

bool process::wait_for_output(std::string_view words, clock::duration at_most) {
  std::unique_lock lock{impl_->mutex};
  auto has_come = [&] { return impl_->text[0].find(words) != std::string::npos; };
  impl_->changed.wait_for(lock, at_most, [&] { return impl_->closed || has_come(); });
  return has_come();
}

std::optional<exit_state> process::wait(clock::duration at_most) {
  if (impl_->ended)
    return impl_->ended;
  if (!wait_readable(impl_->pidfd, clock::now() + at_most))
    return std::nullopt;
  int status = 0;
  if (::waitpid(impl_->pid, &status, 0) != impl_->pid)
    fail_system("waitpid");
  impl_->ended =
      WIFSIGNALED(status) ? exit_state{-1, WTERMSIG(status)} : exit_state{WEXITSTATUS(status), 0};
  return impl_->ended;
}

bool process::wait_for_closed_output(clock::duration at_most) {
  std::unique_lock lock{impl_->mutex};
  return impl_->changed.wait_for(lock, at_most, [this] { return impl_->closed; });
}

void process::send_signal(int signal) {
  if (!impl_->ended)
    ::kill(impl_->pid, signal);
}

void process::kill_now() {
  ::kill(-impl_->pid, SIGKILL);
  send_signal(SIGKILL);
  wait(std::chrono::hours{1});
}

std::string process::output() const {
  std::lock_guard lock{impl_->mutex};
  return impl_->text[0];
}

std::string process::errors() const {
  std::lock_guard lock{impl_->mutex};
  return impl_->text[1];
}

std::vector<process::arrival> process::arrivals() const {
  std::lock_guard lock{impl_->mutex};
  return impl_->arrivals;
}

bool wait_for_end(pid_t pid, clock::duration at_most) {
  int fd = open_pidfd(pid);
  if (fd < 0)
    return true;
  bool ended = wait_readable(fd, clock::now() + at_most);
  ::close(fd);
  return ended;
}

bool is_running(pid_t pid) {
  auto text = stat_text(pid);
  return !text.empty() && text[0] != 'Z' && text[0] != 'X';
}

std::size_t resident_bytes(pid_t pid) {
  std::istringstream words{read_file("/proc/" + std::to_string(pid) + "/statm")};
  std::size_t total = 0, resident = 0;
  words >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t peak_resident_bytes(pid_t pid) {
  std::istringstream words{read_file("/proc/" + std::to_string(pid) + "/status")};
  for (std::string word; words >> word;)
    if (std::size_t kib = 0; word == "VmHWM:" && words >> kib)
      return kib * 1024;
  return 0;
}

std::chrono::milliseconds processor_time(pid_t pid) {
  std::istringstream words{stat_text(pid)};
  std::string skipped;
  for (int field = 3; field < 14; ++field)
    words >> skipped;
  long user = 0, kernel = 0;
  words >> user >> kernel;
  return std::chrono::milliseconds{(user + kernel) * 1'000 / ::sysconf(_SC_CLK_TCK)};
}

std::size_t open_descriptors(pid_t pid) {
  std::error_code ignored;
  auto entries = fs::directory_iterator{"/proc/" + std::to_string(pid) + "/fd", ignored};
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

std::vector<pid_t> children() {
  // /proc/self/task/*/children may miss some children while others end.
  std::vector<pid_t> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{"/proc", ignored}) {
    auto pid = static_cast<pid_t>(std::atoi(entry.path().filename().c_str()));
    if (pid <= 0)
      continue;
    std::istringstream words{stat_text(pid)};
    std::string state;
    pid_t parent = 0;
    if (words >> state >> parent && parent == ::getpid())
      found.push_back(pid);
  }
  return found;
}

temporary_folder::temporary_folder() {
  auto pattern = (fs::temp_directory_path() / "troupe-test-XXXXXX").string();
  if (!::mkdtemp(pattern.data()))
    fail_system("mkdtemp " + pattern);
  path_ = pattern;
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string read_file(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write_file(const fs::path& path, std::string_view text) {
  fs::create_directories(path.parent_path());
  std::ofstream out{path, std::ios::binary};
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!out.flush())
    throw std::runtime_error("cannot write " + path.string());
}

} // namespace troupe::tests
