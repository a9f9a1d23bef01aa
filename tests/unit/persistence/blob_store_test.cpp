#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"
#include "persistence/blob_store.hpp"

#include "tests/unit/persistence/temporary_folder.hpp"

#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>

using namespace troupe;

namespace {

class blob_stores : public with_folder {
protected:
  std::unique_ptr<blob_store> open(std::size_t memory_bytes = 0) {
    blob_store_options options;
    options.memory_bytes_max = memory_bytes;
    auto store = open_blob_store(folder / "blobs", options);
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? *std::move(store) : nullptr;
  }
  std::filesystem::path only_file() {
    std::filesystem::path found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "blobs"))
      if (entry.is_regular_file() && entry.path().parent_path() != folder / "blobs" / "index") {
        EXPECT_TRUE(found.empty());
        found = entry.path();
      }
    return found;
  }
  /// Runs `work` in a process that ends without closing anything, as in a crash.
  template <class Work>
  void crash_after(Work work) {
    auto child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = open_blob_store(folder / "blobs");
      _exit(store && work(**store) ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  static std::string get(blob_store& store, const BlobRef& blob) {
    auto bytes = store.get(blob.sha256());
    EXPECT_TRUE(bytes) << (bytes ? "" : bytes.error().message);
    EXPECT_TRUE(bytes && *bytes);
    return bytes && *bytes ? std::string((*bytes)->view()) : std::string{};
  }
};

constexpr instant now{std::chrono::hours{1'000}};
/// Text that is too large for the index gets its own file.
const std::string large_text(limits::small_blob_bytes_max + 1, 't');

std::string hex(std::string_view bytes) {
  std::string text;
  for (auto c : bytes) {
    constexpr char digits[] = "0123456789abcdef";
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

} // namespace

TEST(sha256_digests, are_those_of_the_standard) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_F(blob_stores, both_kinds_give_back_what_was_put) {
  auto disk = open();
  auto memory = make_memory_blob_store();
  for (auto* store : {disk.get(), memory.get()}) {
    for (const auto& bytes : {std::string("text"), std::string(), std::string(100'000, '\0')}) {
      auto blob = store->put(bytes, now);
      ASSERT_TRUE(blob);
      EXPECT_EQ(blob->sha256(), sha256(bytes));
      EXPECT_EQ(blob->size_bytes(), bytes.size());
      EXPECT_EQ(get(*store, *blob), bytes);
    }
    auto absent = store->get(sha256("absent"));
    ASSERT_TRUE(absent);
    EXPECT_FALSE(*absent);
  }
}

TEST_F(blob_stores, the_same_bytes_are_one_file_in_folders_by_its_name) {
  auto store = open();
  auto blob = store->put(large_text, now);
  ASSERT_TRUE(blob && store->put(large_text, now));
  auto name_of_file = hex(blob->sha256());
  EXPECT_EQ(only_file(), folder / "blobs" / name_of_file.substr(0, 2) / name_of_file.substr(2, 2)
                             / name_of_file);
  EXPECT_EQ(bytes_of(only_file()), large_text);
}

TEST_F(blob_stores, blobs_are_there_for_the_next_process) {
  auto blob = open()->put("text", now);
  ASSERT_TRUE(blob);
  EXPECT_EQ(get(*open(), *blob), "text");
}

TEST_F(blob_stores, damaged_blobs_are_errors_and_are_healed_by_storing_them_again) {
  auto blob = open()->put(large_text, now);
  ASSERT_TRUE(blob);
  auto other = large_text;
  other.back() = 'u';
  for (auto damaged : {other, large_text.substr(1), large_text + " ", std::string{}}) {
    write(only_file(), damaged);
    auto store = open(1'000);
    auto got = store->get(blob->sha256());
    ASSERT_FALSE(got) << damaged.size();
    EXPECT_EQ(got.error().code, ec::storage_failed);
    EXPECT_NE(got.error().message.find(only_file().string()), std::string::npos);
    ASSERT_TRUE(store->put(large_text, now));
    EXPECT_EQ(get(*store, *blob), large_text);
    EXPECT_EQ(bytes_of(only_file()), large_text);
    EXPECT_EQ(store->count(), 1u);
    EXPECT_EQ(store->bytes(), large_text.size());
  }
}

TEST_F(blob_stores, thousands_of_small_ones_are_no_files_and_are_there_after_a_crash) {
  std::vector<std::string> texts;
  for (int i = 0; i < 2'000; ++i)
    texts.push_back("document " + std::to_string(i));
  std::vector<std::string_view> many(texts.begin(), texts.end());
  crash_after([&](blob_store& store) { return bool(store.put(many, now)); });
  EXPECT_EQ(only_file(), "");
  auto store = open();
  EXPECT_EQ(store->count(), 2'000u);
  for (const auto& text : texts)
    EXPECT_EQ(std::string((*store->get(sha256(text)))->view()), text);
}

TEST_F(blob_stores, what_was_acknowledged_survives_a_kill_at_any_moment) {
  int acknowledged = 0;
  auto text = [](int i) { return std::to_string(i) + std::string(i % 5 == 0 ? 50'000 : 20, 'x'); };
  for (int round = 0; round < 6; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    auto child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = open_blob_store(folder / "blobs");
      for (int i = acknowledged; store; i += 3) {
        auto a = text(i), b = text(i + 1), c = text(i + 2);
        std::string_view three[] = {a, b, c};
        if (!(*store)->put(three, now) || ::write(pipe_ends[1], "+", 1) != 1)
          break;
      }
      _exit(0);
    }
    ::close(pipe_ends[1]);
    char byte = 0;
    for (int seen = 0; ::read(pipe_ends[0], &byte, 1) == 1;) {
      acknowledged += 3;
      if (++seen == 5 + 3 * round)
        kill(child, SIGKILL);
    }
    ::close(pipe_ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    auto store = open();
    ASSERT_TRUE(store) << "round " << round;
    for (int i = 0; i < acknowledged; ++i) {
      auto found = store->get(sha256(text(i)));
      ASSERT_TRUE(found && *found) << i;
      EXPECT_EQ((*found)->view(), text(i));
    }
  }
  EXPECT_GE(acknowledged, 100);
}

TEST_F(blob_stores, both_kinds_list_use_and_remove) {
  auto disk = open();
  auto memory = make_memory_blob_store();
  for (auto* store : {disk.get(), memory.get()}) {
    std::string_view three[] = {"one", large_text, "three"};
    auto blobs = store->put(three, now);
    ASSERT_TRUE(blobs);
    std::vector<std::string> hashes;
    for (const auto& blob : *blobs)
      hashes.push_back(blob.sha256());
    EXPECT_EQ(store->count(), 3u);
    EXPECT_EQ(store->bytes(), 8 + large_text.size());
    auto later = now + std::chrono::hours{1};
    std::vector<std::string> asked{hashes[0], std::string(32, 'x')};
    auto sizes = store->use(asked, later, std::chrono::nanoseconds{0});
    ASSERT_TRUE(sizes);
    EXPECT_EQ(*sizes, (std::vector<std::optional<std::uint64_t>>{3, std::nullopt}));
    std::set<std::string> listed;
    for (std::string after;;) {
      auto some = store->list(after, 2);
      ASSERT_TRUE(some);
      ASSERT_LE(some->size(), 2u);
      for (const auto& entry : *some) {
        EXPECT_EQ(entry.used, entry.sha256 == hashes[0] ? later : now);
        listed.insert(after = entry.sha256);
      }
      if (some->empty())
        break;
    }
    EXPECT_EQ(listed.size(), 3u);
    EXPECT_EQ(*store->remove(hashes, later), 2u) << "one was used since";
    EXPECT_TRUE(*store->get(hashes[0]));
    EXPECT_FALSE(*store->get(hashes[1]) || *store->get(hashes[2]));
    EXPECT_EQ(store->count(), 1u);
    EXPECT_EQ(store->bytes(), 3u);
  }
  EXPECT_EQ(only_file(), "");
  disk.reset();
  EXPECT_EQ(open()->count(), 1u);
}

TEST_F(blob_stores, a_file_that_the_index_does_not_name_is_taken_in) {
  auto hash = sha256(large_text);
  auto text = hex(hash);
  auto path = folder / "blobs" / text.substr(0, 2) / text.substr(2, 2) / text;
  std::filesystem::create_directories(path.parent_path());
  write(path, large_text);
  auto store = open();
  EXPECT_EQ(std::string((*store->get(hash))->view()), large_text);
  EXPECT_EQ(store->count(), 1u);
  std::vector<std::string> hashes{hash};
  EXPECT_EQ(*store->remove(hashes, instant::max()), 1u);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(blob_stores, an_index_that_lost_rows_or_is_gone_is_damage) {
  ASSERT_TRUE(open()->put("text", now));
  {
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, (folder / "blobs" / "index").string(), &db).ok());
    std::unique_ptr<rocksdb::DB> owned(db);
    ASSERT_TRUE(db->Delete({}, "i" + sha256("text")).ok());
  }
  auto store = open_blob_store(folder / "blobs");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ec::bad_message);
  std::filesystem::remove_all(folder / "blobs");
  blob_store_options options;
  options.must_exist = true;
  auto gone = open_blob_store(folder / "blobs", options);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ec::bad_message);
}

TEST_F(blob_stores, the_last_used_blobs_are_kept_in_memory_up_to_the_bound) {
  auto store = open(250'000);
  auto a = store->put(std::string(90'000, 'a'), now);
  auto b = store->put(std::string(90'000, 'b'), now);
  ASSERT_TRUE(a && b);
  ASSERT_TRUE(store->get(a->sha256()));
  auto c = store->put(std::string(90'000, 'c'), now);
  ASSERT_TRUE(c);
  std::filesystem::remove_all(folder / "blobs" / "tmp");
  for (const auto& entry : std::filesystem::directory_iterator(folder / "blobs"))
    if (entry.path().filename() != "index")
      std::filesystem::remove_all(entry.path());
  EXPECT_EQ(get(*store, *a), std::string(90'000, 'a')) << "used last but one";
  EXPECT_EQ(get(*store, *c), std::string(90'000, 'c')) << "used last";
  auto gone = store->get(b->sha256());
  ASSERT_TRUE(gone);
  EXPECT_FALSE(*gone) << "used longest ago";
}

TEST_F(blob_stores, a_blob_larger_than_the_memory_is_kept_on_disk_only) {
  auto store = open(1'000);
  auto large = store->put(std::string(50'000, 'x'), now);
  ASSERT_TRUE(large);
  EXPECT_EQ(get(*store, *large), std::string(50'000, 'x'));
  std::filesystem::remove(only_file());
  EXPECT_FALSE(*store->get(large->sha256()));
}

TEST_F(blob_stores, what_a_crash_left_half_written_is_removed) {
  open();
  write(folder / "blobs" / "tmp" / "half", "xx");
  open();
  EXPECT_EQ(only_file(), "");
}

TEST_F(blob_stores, too_large_blobs_and_hashes_that_are_none_are_refused) {
  auto store = open();
  auto large = store->put(std::string(limits::document_bytes_max + 1, 'x'), now);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ec::too_large);
  auto none = store->get("../../etc/passwd");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ec::invalid_argument);
}

TEST_F(blob_stores, a_full_disk_is_refused_and_reading_and_using_go_on) {
  std::uint64_t there = limits::disk_free_bytes_min + 1'000;
  blob_store_options options;
  options.free_space = [&](const std::filesystem::path&) -> result<std::uint64_t> { return there; };
  auto store = open_blob_store(folder / "blobs", options);
  ASSERT_TRUE(store);
  auto blob = (*store)->put("text", now);
  ASSERT_TRUE(blob);
  for (auto free : {limits::disk_free_bytes_min, std::uint64_t{0}}) {
    there = free;
    auto refused = (*store)->put("other", now);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ec::storage_failed);
    EXPECT_EQ(get(**store, *blob), "text");
    auto later = now + std::chrono::hours{free == 0 ? 2 : 1};
    EXPECT_TRUE((*store)->put("text", later)) << "it is there already";
    auto listed = (*store)->list("", 10);
    ASSERT_TRUE(listed && listed->size() == 1);
    EXPECT_EQ(listed->front().used, later);
  }
  EXPECT_FALSE((*store)->broken());
}

TEST_F(blob_stores, a_place_where_nothing_can_be_written_is_an_error) {
  write(folder / "file", "x");
  auto store = open_blob_store(folder / "file" / "blobs");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ec::storage_failed);
}
