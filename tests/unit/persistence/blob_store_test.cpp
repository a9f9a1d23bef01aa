#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "messages/values.pb.h"
#include "persistence/state_store.hpp"

#include "tests/unit/persistence/temporary_folder.hpp"

using namespace troupe;

namespace {

class blob_stores : public with_folder {
protected:
  std::unique_ptr<blob_store> open(std::size_t memory_bytes = 0) {
    auto store = open_blob_store(folder / "blobs", memory_bytes);
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    return store ? *std::move(store) : nullptr;
  }
  std::filesystem::path only_file() {
    std::filesystem::path found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "blobs"))
      if (entry.is_regular_file()) {
        EXPECT_TRUE(found.empty());
        found = entry.path();
      }
    return found;
  }
  static std::string get(blob_store& store, const BlobRef& blob) {
    auto bytes = store.get(blob.sha256());
    EXPECT_TRUE(bytes) << (bytes ? "" : bytes.error().message);
    EXPECT_TRUE(bytes && *bytes);
    return bytes && *bytes ? **bytes : std::string{};
  }
};

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
      auto blob = store->put(bytes);
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
  auto blob = store->put("text");
  ASSERT_TRUE(blob && store->put("text"));
  auto name_of_file = hex(blob->sha256());
  EXPECT_EQ(only_file(), folder / "blobs" / name_of_file.substr(0, 2) / name_of_file.substr(2, 2)
                             / name_of_file);
  EXPECT_EQ(bytes_of(only_file()), "text");
}

TEST_F(blob_stores, blobs_are_there_for_the_next_process) {
  auto blob = open()->put("text");
  ASSERT_TRUE(blob);
  EXPECT_EQ(get(*open(), *blob), "text");
}

TEST_F(blob_stores, damaged_blobs_are_errors_and_are_healed_by_storing_them_again) {
  auto blob = open()->put("some text");
  ASSERT_TRUE(blob);
  for (std::string_view damaged : {"some texu", "some tex", "some text ", ""}) {
    write(only_file(), damaged);
    auto store = open(1'000);
    auto got = store->get(blob->sha256());
    ASSERT_FALSE(got) << damaged;
    EXPECT_EQ(got.error().code, ec::storage_failed);
    EXPECT_NE(got.error().message.find(only_file().string()), std::string::npos);
    ASSERT_TRUE(store->put("some text"));
    EXPECT_EQ(get(*store, *blob), "some text");
    EXPECT_EQ(bytes_of(only_file()), "some text");
  }
}

TEST_F(blob_stores, the_last_used_blobs_are_kept_in_memory_up_to_the_bound) {
  auto store = open(2'500);
  auto a = store->put(std::string(900, 'a'));
  auto b = store->put(std::string(900, 'b'));
  ASSERT_TRUE(a && b);
  ASSERT_TRUE(store->get(a->sha256()));
  auto c = store->put(std::string(900, 'c'));
  ASSERT_TRUE(c);
  std::filesystem::remove_all(folder / "blobs");
  EXPECT_EQ(get(*store, *a), std::string(900, 'a')) << "used last but one";
  EXPECT_EQ(get(*store, *c), std::string(900, 'c')) << "used last";
  auto gone = store->get(b->sha256());
  ASSERT_TRUE(gone);
  EXPECT_FALSE(*gone) << "used longest ago";
}

TEST_F(blob_stores, a_blob_larger_than_the_memory_is_kept_on_disk_only) {
  auto store = open(1'000);
  auto large = store->put(std::string(5'000, 'x'));
  ASSERT_TRUE(large);
  EXPECT_EQ(get(*store, *large), std::string(5'000, 'x'));
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
  auto large = store->put(std::string(limits::document_bytes_max + 1, 'x'));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ec::too_large);
  auto none = store->get("../../etc/passwd");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ec::invalid_argument);
}

TEST_F(blob_stores, a_full_disk_is_refused_and_reading_goes_on) {
  std::uint64_t there = limits::disk_free_bytes_min + 100;
  auto store =
      open_blob_store(folder / "blobs", 0,
                      [&](const std::filesystem::path&) -> result<std::uint64_t> { return there; });
  ASSERT_TRUE(store);
  auto blob = (*store)->put("text");
  ASSERT_TRUE(blob);
  there = limits::disk_free_bytes_min;
  auto refused = (*store)->put("other");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::storage_failed);
  EXPECT_EQ(get(**store, *blob), "text");
  EXPECT_TRUE((*store)->put("text")) << "it is there already";
}

TEST_F(blob_stores, a_place_where_nothing_can_be_written_is_an_error) {
  write(folder / "file", "x");
  auto store = open_blob_store(folder / "file" / "blobs", 0);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ec::storage_failed);
}
