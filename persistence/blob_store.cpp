#include "persistence/blob_store.hpp"

#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "persistence/blob_files.hpp"
#include "persistence/blob_index.hpp"
#include "persistence/recent_blobs.hpp"

#include <algorithm>
#include <set>

namespace troupe {

namespace {

constexpr std::size_t hash_bytes = 32;

result<void> check_hash(std::string_view hash) {
  if (hash.size() == hash_bytes)
    return {};
  return fail(ec::invalid_argument,
              "a blob's hash has 32 bytes, this one " + std::to_string(hash.size()));
}

class disk_blob_store final : public blob_store {
public:
  disk_blob_store(const std::filesystem::path& folder, blob_store_options options)
      : must_exist_(options.must_exist), index_(folder / "index", std::move(options.free_space)),
        files_(folder), recent_(options.memory_bytes_max) {}

  result<void> open() {
    if (auto opened = index_.open(must_exist_); !opened)
      return opened;
    return index_.read_only() ? result<void>{} : open_files();
  }

  result<std::vector<BlobRef>> put(std::span<const std::string_view> many, instant now) override {
    std::vector<BlobRef> made;
    std::vector<fresh_blob> fresh;
    std::vector<std::string> known;
    std::set<std::string, std::less<>> seen;
    for (auto bytes : many) {
      if (bytes.size() > limits::document_bytes_max)
        return fail(ec::too_large, "a blob has " + std::to_string(bytes.size()) + " bytes, at most "
                                       + std::to_string(limits::document_bytes_max)
                                       + " are allowed");
      auto& ref = made.emplace_back();
      ref.set_sha256(sha256(bytes));
      ref.set_size_bytes(bytes.size());
      if (!seen.insert(ref.sha256()).second)
        continue;
      if (is_whole(ref.sha256(), bytes))
        known.push_back(ref.sha256());
      else
        fresh.push_back({ref.sha256(), bytes});
    }
    if (auto stored = store(fresh, now); !stored)
      return unexpected{std::move(stored).error()};
    if (auto used = index_.use(known, now, std::chrono::nanoseconds{0}); !used)
      return unexpected{std::move(used).error()};
    for (const auto& one : fresh)
      recent_.forget(one.sha256);
    for (const auto& one : fresh)
      if (recent_.takes(one.bytes.size()))
        recent_.keep(one.sha256, blob_bytes::copy_of(one.bytes));
    return made;
  }

  result<std::optional<blob_bytes>> get(std::string_view hash) override {
    if (auto checked = check_hash(hash); !checked)
      return unexpected{std::move(checked).error()};
    std::string key(hash);
    if (auto known = recent_.find(key))
      return std::optional<blob_bytes>(*known);
    auto found = index_.find(hash);
    if (!found)
      return unexpected{std::move(found).error()};
    if (!*found)
      return std::optional<blob_bytes>{};
    auto bytes = read(hash, **found);
    if (!bytes || !*bytes)
      return bytes;
    if (sha256((*bytes)->view()) != key)
      return fail(ec::storage_failed, "the blob in " + place_of(hash, **found)
                                          + " is damaged: its bytes do not match its name");
    recent_.keep(key, **bytes);
    return bytes;
  }

  bool in_memory(const std::string& sha256) const override { return recent_.has(sha256); }

  result<std::vector<std::optional<std::uint64_t>>>
  use(std::span<const std::string> hashes, instant now, std::chrono::nanoseconds grain) override {
    return index_.use(hashes, now, grain);
  }

  result<std::size_t> remove(std::span<const std::string> hashes, instant before) override {
    // The index forgets it first: a crash then leaves a file that nobody names, which is added and
    // deleted the next time.
    auto removed = index_.remove(hashes, before);
    if (!removed)
      return unexpected{std::move(removed).error()};
    for (const auto& one : *removed) {
      recent_.forget(one.sha256);
      if (!one.in_file)
        continue;
      if (auto gone = files_.remove(one.sha256); !gone)
        return unexpected{std::move(gone).error()};
    }
    return removed->size();
  }

  result<std::vector<blob_entry>> list(std::string_view after, std::size_t at_most) override {
    return index_.list(after, at_most);
  }

  std::uint64_t count() const override { return index_.sum().count; }
  std::uint64_t bytes() const override { return index_.sum().bytes; }
  result<std::uint64_t> free_bytes() override { return index_.free_bytes(); }
  bool broken() const override { return broken_ || index_.broken(); }

private:
  struct fresh_blob {
    std::string sha256;
    std::string_view bytes;
  };

  std::string place_of(std::string_view hash, const blob_index::row& row) const {
    return row.in_file ? files_.path_of(hash).string() : index_.folder().string();
  }

  result<std::optional<blob_bytes>> read(std::string_view hash, const blob_index::row& row) {
    return row.in_file ? files_.read(hash) : index_.small(hash);
  }

  /// An existing blob is trusted only if it is whole: storing a damaged blob again heals it.
  bool is_whole(const std::string& hash, std::string_view bytes) {
    auto row = index_.find(hash);
    if (!row || !*row)
      return false;
    if (auto known = recent_.find(hash))
      return known->view() == bytes;
    auto there = read(hash, **row);
    return there && *there && (*there)->view() == bytes;
  }

  result<void> open_files() {
    if (files_open_)
      return {};
    if (auto opened = files_.open(); !opened)
      return opened;
    files_open_ = true;
    return take_in_files();
  }

  /// Files first, then the index, all of it in one write.
  result<void> store(const std::vector<fresh_blob>& fresh, instant now) {
    if (fresh.empty())
      return {};
    std::uint64_t bytes = 0;
    for (const auto& one : fresh)
      bytes += 2 * hash_bytes + one.bytes.size();
    if (auto room = index_.make_room(bytes, limits::disk_free_bytes_min); !room)
      return room;
    if (auto opened = open_files(); !opened) // there was too little room for it before
      return opened;
    blob_index::changes todo;
    for (const auto& one : fresh) {
      bool in_file = one.bytes.size() > limits::small_blob_bytes_max;
      if (in_file)
        if (auto added = files_.add(one.sha256, one.bytes); !added)
          return lost(added);
      index_.add(todo, {one.sha256, one.bytes.size(), now}, in_file,
                 in_file ? std::string_view{} : one.bytes);
    }
    if (auto synced = files_.sync(); !synced)
      return lost(synced);
    return index_.write(todo);
  }

  /// After a failed sync, the state of the disk is unknown: see docs/decisions/0009.
  result<void> lost(const result<void>& why) {
    broken_ = why.error().code == ec::outcome_unknown;
    return why;
  }

  /// Files that the index does not name, from a crash or from a version without an index.
  result<void> take_in_files() {
    blob_index::changes todo;
    auto visited = files_.for_each([&](const blob_files::found_file& file) -> result<void> {
      auto known = index_.find(file.sha256);
      if (!known)
        return unexpected{std::move(known).error()};
      if (!*known)
        index_.add(todo, {file.sha256, file.size_bytes, file.written}, true, {});
      return {};
    });
    if (!visited || todo.empty())
      return visited;
    if (auto room = index_.make_room(0, limits::disk_free_bytes_min); !room)
      return {}; // the next start
    return index_.write(todo);
  }

  bool must_exist_;
  blob_index index_;
  blob_files files_;
  recent_blobs recent_;
  bool files_open_ = false;
  bool broken_ = false;
};

} // namespace

result<BlobRef> blob_store::put(std::string_view bytes, instant now) {
  auto made = put(std::span{&bytes, 1}, now);
  if (!made)
    return unexpected{std::move(made).error()};
  return std::move(made->front());
}

result<std::unique_ptr<blob_store>> open_blob_store(const std::filesystem::path& folder,
                                                    blob_store_options options) {
  auto store = std::make_unique<disk_blob_store>(folder, std::move(options));
  if (auto opened = store->open(); !opened)
    return unexpected{std::move(opened).error()};
  return std::unique_ptr<blob_store>(std::move(store));
}

} // namespace troupe
