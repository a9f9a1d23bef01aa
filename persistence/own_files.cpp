#include "persistence/own_files.hpp"

#include "telemetry/shell_word.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <string>

namespace troupe {

namespace fs = std::filesystem;

namespace {

constexpr int links_max = 40; ///< on one way, as for the kernel

/// Who may own the entries on the way.
enum class rule {
  own,     ///< the last one must be this user's; those above may be root's
  trusted, ///< all may be root's
  links,   ///< only links in folders writable by all are checked
};

unexpected<failure> refused(const fs::path& path, const std::string& why) {
  return fail(ec::storage_failed, path.string() + " " + why);
}

std::string user_text(uid_t user) { return "user " + std::to_string(user); }

/// Kernel files have no size.
std::string kernel_text(const char* path) {
  auto file = open_file(path, O_RDONLY);
  std::array<char, 4096> bytes;
  auto got = ::read(file.get(), bytes.data(), bytes.size());
  return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

/// In a user namespace whose map leaves out root, root's files belong to the overflow user, who is
/// nobody here.
bool is_unmapped(uid_t user) {
  constexpr std::string_view whole = "4294967295\n"; // every user is mapped
  return kernel_text("/proc/sys/kernel/overflowuid") == std::to_string(user) + "\n"
         && !kernel_text("/proc/self/uid_map").ends_with(whole);
}

bool is_trusted(uid_t user) { return user == ::geteuid() || user == 0 || is_unmapped(user); }

/// Debian gives each user a group with the user's own name and no other members.
bool is_private_group(gid_t group) {
  if (group == 0)
    return true;
  auto user = ::getpwuid(::geteuid());
  auto found = user && user->pw_gid == group ? ::getgrgid(group) : nullptr;
  return found && std::string_view(found->gr_name) == user->pw_name;
}

bool others_may_write(const struct stat& about) {
  return (about.st_mode & S_IWOTH) != 0
         || ((about.st_mode & S_IWGRP) != 0 && !is_private_group(about.st_gid));
}

/// Walks a path entry by entry, as the kernel does.
class way {
public:
  explicit way(rule wanted) : rule_(wanted) {}

  result<void> go(const fs::path& path) {
    std::error_code error;
    auto whole = fs::absolute(path, error);
    push(whole);
    struct stat about {};
    if (::lstat("/", &about) == 0)
      if (auto fine = check_folder("/", about, rest_.empty()); !fine)
        return fine;
    above_ = about;
    while (!rest_.empty()) {
      auto name = std::move(rest_.front());
      rest_.pop_front();
      auto stepped = name == ".." ? step_up() : step(name);
      if (!stepped || gone_)
        return stepped;
    }
    return {};
  }

private:
  void push(const fs::path& path) {
    auto at = rest_.begin();
    for (const auto& part : path.relative_path())
      if (!part.empty() && part != ".")
        at = std::next(rest_.insert(at, part.string()));
    if (path.is_absolute())
      here_ = "/";
  }

  result<void> step_up() {
    here_ = here_.parent_path();
    ::lstat(here_.c_str(), &above_);
    return {};
  }

  result<void> step(const std::string& name) {
    auto next = here_ / name;
    struct stat about {};
    if (::lstat(next.c_str(), &about) != 0) {
      gone_ = true; // nobody can have planted what is not there; other errors come later
      return {};
    }
    if (S_ISLNK(about.st_mode))
      return follow(next, about);
    here_ = next;
    if (S_ISDIR(about.st_mode))
      if (auto fine = check_folder(next, about, rest_.empty()); !fine)
        return fine;
    above_ = about;
    return {};
  }

  result<void> follow(const fs::path& link, const struct stat& about) {
    bool for_all = (above_.st_mode & S_ISVTX) != 0 && (above_.st_mode & S_IWOTH) != 0;
    bool owned = is_trusted(about.st_uid)
                 || (rule_ == rule::links && (!for_all || about.st_uid == above_.st_uid));
    if (!owned)
      return refused(link, "is a link that " + user_text(about.st_uid)
                               + " has put there: remove it, or choose another place");
    std::error_code error;
    auto target = fs::read_symlink(link, error);
    if (error || ++links_ > links_max)
      return refused(link, "is a link that cannot be followed");
    push(target);
    if (target.is_absolute())
      ::lstat("/", &above_);
    return {};
  }

  result<void> check_folder(const fs::path& folder, const struct stat& about, bool last) {
    if (rule_ == rule::links)
      return {};
    bool owned =
        last && rule_ == rule::own ? about.st_uid == ::geteuid() : is_trusted(about.st_uid);
    if (!owned)
      return refused(folder, "belongs to " + user_text(about.st_uid) + ", not to you ("
                                 + user_text(::geteuid())
                                 + "): choose another folder, or give it to yourself with chown");
    bool protected_by_sticky = (about.st_mode & S_ISVTX) != 0 && !(last && rule_ == rule::own);
    if (others_may_write(about) && !protected_by_sticky)
      return refused(folder, "may be changed by other users: chmod go-w "
                                 + shell_word(folder.string()) + ", or choose another folder");
    return {};
  }

  rule rule_;
  fs::path here_;
  struct stat above_ {};
  std::deque<std::string> rest_;
  int links_ = 0;
  bool gone_ = false;
};

} // namespace

result<void> check_own_folder(const fs::path& folder) { return way(rule::own).go(folder); }

result<void> check_trusted_way(const fs::path& file) { return way(rule::trusted).go(file); }

result<void> check_links(const fs::path& path) { return way(rule::links).go(path); }

result<void> make_own_folder(const fs::path& folder) {
  // Checked before anything is made in it, and again in case somebody was quicker.
  if (auto fine = check_own_folder(folder); !fine)
    return fine;
  if (auto made = make_folder(folder); !made)
    return made;
  return check_own_folder(folder);
}

result<file_handle> open_own_file(const fs::path& path, int flags, mode_t mode) {
  auto file = open_file(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode);
  if (!file && errno == ELOOP)
    return refused(path, "is a link: remove it");
  if (!file && errno == ENOENT && (flags & O_CREAT) == 0)
    return fail(ec::not_found, path.string() + " does not exist");
  if (!file)
    return unexpected{file_failure("opening", path, errno)};
  struct stat about {};
  if (::fstat(file.get(), &about) != 0)
    return unexpected{file_failure("opening", path, errno)};
  if (!S_ISREG(about.st_mode))
    return refused(path, "is no regular file: remove it");
  if (about.st_uid != ::geteuid())
    return refused(path, "belongs to " + user_text(about.st_uid) + ", not to you ("
                             + user_text(::geteuid()) + "): remove it, or choose another folder");
  return file;
}

result<std::optional<std::string>> read_own_file(const fs::path& path, std::size_t bytes_max) {
  auto file = open_own_file(path, O_RDONLY);
  if (!file && file.error().code == ec::not_found)
    return std::optional<std::string>{};
  if (!file)
    return unexpected{std::move(file).error()};
  auto bytes = read_whole(*file, path, bytes_max);
  if (!bytes)
    return unexpected{std::move(bytes).error()};
  return std::optional{*std::move(bytes)};
}

} // namespace troupe
