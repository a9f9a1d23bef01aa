#include "persistence/identity.hpp"

#include "tests/unit/persistence/temporary_folder.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <vector>

using namespace troupe;

namespace {

constexpr std::string_view some_id = "0123456789abcdef0123456789abcdef";

class identities : public with_folder {
protected:
  result<node_identity> open(std::string_view id = {}) {
    return open_identity(folder / "node", id, [this] { return ++drawn_; });
  }
  std::uint64_t drawn_ = 0;
};

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

} // namespace

TEST_F(identities, only_a_regular_file_of_this_user_is_read) {
  ASSERT_TRUE(open());
  auto path = folder / "node" / "identity";
  std::filesystem::rename(path, folder / "elsewhere");
  std::filesystem::create_symlink(folder / "elsewhere", path);
  auto linked = open();
  ASSERT_FALSE(linked);
  EXPECT_TRUE(has(linked.error().message, "is a link: remove it")) << linked.error().message;
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  auto pipe = open(); // must not wait for a writer
  ASSERT_FALSE(pipe);
  EXPECT_TRUE(has(pipe.error().message, "is no regular file")) << pipe.error().message;
}

TEST_F(identities, a_new_node_draws_a_uuid_and_keeps_it) {
  node_id first;
  {
    auto made = open();
    ASSERT_TRUE(made) << made.error().message;
    first = made->id;
    EXPECT_EQ(made->incarnation, 1u);
  }
  auto text = to_string(first);
  EXPECT_EQ(text[12], '4') << text;
  EXPECT_TRUE(has("89ab", std::string(1, text[16]))) << text;
  auto again = open();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, first);
}

TEST_F(identities, each_start_counts) {
  for (std::uint64_t start = 1; start <= 5; ++start) {
    auto opened = open();
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->incarnation, start);
  }
}

TEST_F(identities, a_given_id_is_kept_and_another_one_refused) {
  {
    auto made = open(some_id);
    ASSERT_TRUE(made);
    EXPECT_EQ(to_string(made->id), some_id);
  }
  EXPECT_TRUE(open(some_id));
  EXPECT_TRUE(open());
  auto other = open("ffffffffffffffffffffffffffffffff");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ec::invalid_argument);
  EXPECT_TRUE(has(other.error().message, some_id)) << other.error().message;
  EXPECT_FALSE(open("12"));
  EXPECT_FALSE(open(std::string(32, '0')));
}

TEST_F(identities, a_second_opening_is_refused_as_long_as_the_first_lives) {
  auto first = open();
  ASSERT_TRUE(first);
  auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ec::refused);
  EXPECT_TRUE(has(second.error().message, "pid " + std::to_string(getpid())))
      << second.error().message;
  {
    auto moved = std::move(*first);
    EXPECT_FALSE(open());
  }
  EXPECT_TRUE(open());
}

TEST_F(identities, another_process_is_refused_and_its_death_gives_the_folder_back) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  auto child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto held = open();
    char ready = held ? '1' : '0';
    if (::write(pipe_ends[1], &ready, 1) == 1)
      pause();
    _exit(0);
  }
  char ready = 0;
  ASSERT_EQ(::read(pipe_ends[0], &ready, 1), 1);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
  EXPECT_EQ(ready, '1');
  auto refused = open();
  EXPECT_FALSE(refused);
  EXPECT_TRUE(refused || has(refused.error().message, "pid " + std::to_string(child)));
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  auto mine = open();
  ASSERT_TRUE(mine);
  EXPECT_EQ(mine->incarnation, 2u);
}

TEST_F(identities, a_damaged_file_is_an_error_and_stays_as_it_is) {
  { ASSERT_TRUE(open()); }
  auto path = folder / "node" / "identity";
  auto whole = bytes_of(path);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    for (const auto& bytes : {damaged, whole.substr(0, at)}) {
      write(path, bytes);
      auto opened = open();
      ASSERT_FALSE(opened) << at;
      EXPECT_EQ(opened.error().code, ec::bad_message);
      EXPECT_TRUE(has(opened.error().message, path.string()));
      EXPECT_EQ(bytes_of(path), bytes);
    }
  }
  write(path, whole);
  EXPECT_TRUE(open());
}

// -- secrets --------------------------------------------------------------------------------------

namespace {
using secrets = with_folder;
} // namespace

TEST_F(secrets, one_is_made_once_and_only_its_owner_reads_it) {
  auto path = folder / "deep" / "secret";
  auto made = load_or_create_secret(path);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->size(), 64u);
  EXPECT_EQ(made->find_first_not_of("0123456789abcdef"), std::string::npos);
  struct stat about;
  ASSERT_EQ(stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  auto again = load_or_create_secret(path);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *made);
  auto other = load_or_create_secret(folder / "other");
  ASSERT_TRUE(other);
  EXPECT_NE(*other, *made);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path.parent_path()), {}), 1);
}

TEST_F(secrets, a_file_that_others_can_read_is_refused_with_the_remedy) {
  auto path = folder / "secret";
  ASSERT_TRUE(load_or_create_secret(path));
  for (auto mode : {0640, 0604, 0660, 0610}) {
    ASSERT_EQ(chmod(path.c_str(), static_cast<mode_t>(mode)), 0);
    auto refused = load_or_create_secret(path);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ec::refused);
    EXPECT_TRUE(has(refused.error().message, "chmod 600 " + path.string()));
  }
}

TEST_F(secrets, anything_but_64_hex_digits_is_refused) {
  auto path = folder / "secret";
  for (const auto& text : {std::string(), std::string(63, 'a'), std::string(65, 'a'),
                           std::string(64, 'g'), std::string(5'000, 'a')}) {
    write(path, text);
    ASSERT_EQ(chmod(path.c_str(), 0600), 0);
    auto refused = load_or_create_secret(path);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(bytes_of(path), text);
  }
  write(path, std::string(64, 'A') + "\n");
  auto read = load_secret(path);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, std::string(64, 'a'));
}

TEST_F(secrets, a_client_does_not_make_one) {
  auto absent = load_secret(folder / "secret");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ec::not_found);
  EXPECT_FALSE(std::filesystem::exists(folder / "secret"));
}

TEST_F(secrets, processes_that_make_it_at_once_agree) {
  auto path = folder / "secret";
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  constexpr int processes = 8;
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    children.push_back(fork());
    ASSERT_GE(children.back(), 0);
    if (children.back() == 0) {
      auto secret = load_or_create_secret(path);
      auto text = secret ? *secret : std::string(64, '?');
      _exit(::write(pipe_ends[1], text.data(), text.size()) == 64 ? 0 : 1);
    }
  }
  ::close(pipe_ends[1]);
  std::string all, first;
  char buffer[256];
  for (ssize_t got; (got = ::read(pipe_ends[0], buffer, sizeof(buffer))) > 0;)
    all.append(buffer, static_cast<std::size_t>(got));
  ::close(pipe_ends[0]);
  for (auto child : children)
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
  ASSERT_EQ(all.size(), 64u * processes);
  for (int i = 0; i < processes; ++i)
    EXPECT_EQ(all.substr(static_cast<std::size_t>(i) * 64, 64), bytes_of(path).substr(0, 64));
}

TEST_F(identities, that_the_stores_were_made_is_known_at_the_next_start) {
  {
    auto first = open();
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->has_stores);
  }
  {
    auto second = open();
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->has_stores || second->has_journal) << "it did not get so far";
    ASSERT_TRUE(note_stores(folder / "node", *second));
    ASSERT_TRUE(note_stores(folder / "node", *second));
  }
  auto third = open();
  ASSERT_TRUE(third);
  EXPECT_TRUE(third->has_stores);
  EXPECT_TRUE(third->has_journal);
  EXPECT_EQ(third->incarnation, 3u);
}
