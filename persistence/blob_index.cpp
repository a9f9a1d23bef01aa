#include "persistence/blob_index.hpp"

#include "config/base/count_of.hpp"
#include "config/limits/storage.hpp"
#include "persistence/ledger.hpp"

#include <xxhash.h>

#include <algorithm>

namespace troupe {

namespace {

constexpr char entry_rows = 'i';
constexpr char bytes_rows = 'd';
constexpr std::string_view totals_row = "l";
constexpr std::size_t number_bytes = 8;
constexpr char in_index = 0;
constexpr char in_own_file = 1;

std::string key_of(char rows, std::string_view hash) { return rows + std::string(hash); }

std::string encode(const blob_index::row& known) {
  return encode_number(known.size_bytes)
         + encode_number(static_cast<std::uint64_t>(known.used.time_since_epoch().count()))
         + (known.in_file ? in_own_file : in_index);
}

std::optional<blob_index::row> decode_row(std::string_view bytes) {
  if (bytes.size() != 2 * number_bytes + 1)
    return std::nullopt;
  auto used = static_cast<std::int64_t>(*decode_number(bytes.substr(number_bytes, number_bytes)));
  return blob_index::row{*decode_number(bytes.substr(0, number_bytes)),
                         instant{std::chrono::nanoseconds{used}}, bytes.back() == in_own_file};
}

std::string encode(const blob_index::totals& sum) {
  return encode_number(sum.writes) + encode_number(sum.count) + encode_number(sum.bytes)
         + encode_number(sum.digest);
}

std::optional<blob_index::totals> decode_totals(std::string_view bytes) {
  if (bytes.size() != 4 * number_bytes)
    return std::nullopt;
  auto number = [&](std::size_t index) {
    return *decode_number(bytes.substr(index * number_bytes, number_bytes));
  };
  return blob_index::totals{number(0), number(1), number(2), number(3)};
}

} // namespace

void blob_index::totals::add(std::string_view hash, std::uint64_t size_bytes) {
  ++count;
  bytes += size_bytes;
  digest ^= XXH3_64bits_withSeed(hash.data(), hash.size(), size_bytes);
}

void blob_index::totals::remove(std::string_view hash, std::uint64_t size_bytes) {
  --count;
  bytes -= size_bytes;
  digest ^= XXH3_64bits_withSeed(hash.data(), hash.size(), size_bytes);
}

blob_index::blob_index(const std::filesystem::path& folder, free_space_source free_space)
    : folder_(folder), data_(folder,
                             {"documents that agents remember",
                              "agents that cannot look into the small documents they were told"},
                             std::move(free_space)) {}

result<void> blob_index::open(bool must_exist) {
  if (auto opened = data_.open(must_exist); !opened)
    return opened;
  auto checked = data_.guarded<void>([&] { return check_totals(); });
  if (!checked)
    data_.close();
  return checked;
}

result<void> blob_index::check_totals() {
  sum_ = {};
  auto bytes = data_.get(totals_row);
  if (!bytes)
    return unexpected{data_.damaged(bytes.error().message)};
  if (*bytes) {
    auto stored = decode_totals(**bytes);
    if (!stored)
      return unexpected{data_.damaged("its totals cannot be read")};
    sum_ = *stored;
  }
  totals there;
  auto first = key_of(entry_rows, "");
  auto rows = data_.rows();
  for (rows->Seek(first); rows->Valid() && rows->key().starts_with(first); rows->Next()) {
    auto known = decode_row(rows->value().ToStringView());
    if (!known)
      return unexpected{data_.damaged("a row cannot be read")};
    there.add(rows->key().ToStringView().substr(1), known->size_bytes);
  }
  if (!rows->status().ok())
    return unexpected{data_.damaged(rows->status().ToString())};
  there.writes = sum_.writes;
  if (there != sum_)
    return unexpected{data_.damaged("it has " + count_of(there.count, "blob")
                                    + ", which does not match the " + std::to_string(sum_.count)
                                    + " written")};
  return data_.check_mark(sum_.writes);
}

result<std::optional<blob_index::row>> blob_index::find(std::string_view hash) {
  using found = std::optional<row>;
  return data_.guarded<found>([&]() -> result<found> {
    auto bytes = data_.get(key_of(entry_rows, hash));
    if (!bytes)
      return unexpected{std::move(bytes).error()};
    if (!*bytes)
      return found{};
    auto known = decode_row(**bytes);
    if (!known)
      return unexpected{data_.failed("reading", "the row of a blob is damaged")};
    return known;
  });
}

result<std::optional<blob_bytes>> blob_index::small(std::string_view hash) {
  using found = std::optional<blob_bytes>;
  return data_.guarded<found>([&]() -> result<found> {
    auto bytes = data_.get(key_of(bytes_rows, hash));
    if (!bytes)
      return unexpected{std::move(bytes).error()};
    if (!*bytes)
      return unexpected{data_.failed("reading", "the bytes of a blob are missing")};
    return found{blob_bytes::copy_of(**bytes)};
  });
}

void blob_index::add(changes& to, const blob_entry& blob, bool in_file,
                     std::string_view small_bytes) {
  to.batch_.Put(key_of(entry_rows, blob.sha256), encode({blob.size_bytes, blob.used, in_file}));
  if (!in_file)
    to.batch_.Put(key_of(bytes_rows, blob.sha256), slice_of(small_bytes));
  to.added_.emplace_back(blob.sha256, blob.size_bytes);
  ++to.rows_;
}

result<void> blob_index::write(changes& todo) {
  return data_.guarded<void>([&]() -> result<void> {
    auto sum = sum_;
    ++sum.writes;
    for (const auto& [hash, size] : todo.added_) {
      auto before = find(hash); // a damaged blob that is stored again
      if (!before)
        return unexpected{std::move(before).error()};
      if (*before)
        sum.remove(hash, (*before)->size_bytes);
      sum.add(hash, size);
    }
    todo.batch_.Put(slice_of(totals_row), encode(sum));
    if (auto written = data_.write_synced(todo.batch_, sum.writes); !written)
      return written;
    sum_ = sum;
    return {};
  });
}

instant blob_index::used(std::string_view hash, const row& known) const {
  auto later = unwritten_uses_.find(std::string(hash));
  return later == unwritten_uses_.end() ? known.used : std::max(known.used, later->second);
}

result<std::vector<std::optional<std::uint64_t>>>
blob_index::use(std::span<const std::string> hashes, instant now, std::chrono::nanoseconds grain) {
  using sizes = std::vector<std::optional<std::uint64_t>>;
  return data_.guarded<sizes>([&]() -> result<sizes> {
    sizes made;
    changes todo;
    bool room = bool(data_.make_room(0, limits::disk_free_bytes_last));
    for (const auto& hash : hashes) {
      auto known = find(hash);
      if (!known)
        return unexpected{std::move(known).error()};
      if (!*known) {
        made.emplace_back();
        continue;
      }
      made.emplace_back((*known)->size_bytes);
      if (now - used(hash, **known) <= grain)
        continue;
      if (!room) {
        unwritten_uses_.insert_or_assign(hash, now);
        continue;
      }
      (*known)->used = now;
      todo.batch_.Put(key_of(entry_rows, hash), encode(**known));
      ++todo.rows_;
    }
    // Not synced: a crash of the process loses nothing, and a power loss only makes the time of use
    // older.
    if (!todo.empty())
      if (auto written = data_.write_unsynced(todo.batch_); !written)
        return unexpected{std::move(written).error()};
    return made;
  });
}

result<std::vector<blob_index::removed_blob>>
blob_index::remove(std::span<const std::string> hashes, instant before) {
  using removed = std::vector<removed_blob>;
  return data_.guarded<removed>([&]() -> result<removed> {
    if (auto room = data_.make_room(0, limits::disk_free_bytes_last); !room)
      return unexpected{std::move(room).error()};
    removed made;
    changes todo;
    auto sum = sum_;
    for (const auto& hash : hashes) {
      auto known = find(hash);
      if (!known)
        return unexpected{std::move(known).error()};
      if (!*known || used(hash, **known) >= before)
        continue;
      todo.batch_.Delete(key_of(entry_rows, hash));
      if (!(*known)->in_file)
        todo.batch_.Delete(key_of(bytes_rows, hash));
      sum.remove(hash, (*known)->size_bytes);
      made.push_back({hash, (*known)->in_file});
    }
    if (made.empty())
      return made;
    ++sum.writes;
    todo.batch_.Put(slice_of(totals_row), encode(sum));
    if (auto written = data_.write_synced(todo.batch_, sum.writes); !written)
      return unexpected{std::move(written).error()};
    sum_ = sum;
    for (const auto& one : made)
      unwritten_uses_.erase(one.sha256);
    return made;
  });
}

result<std::vector<blob_entry>> blob_index::list(std::string_view after, std::size_t at_most) {
  using entries = std::vector<blob_entry>;
  return data_.guarded<entries>([&]() -> result<entries> {
    entries made;
    auto first = key_of(entry_rows, "");
    auto rows = data_.rows();
    rows->Seek(key_of(entry_rows, after));
    for (; rows->Valid() && rows->key().starts_with(first) && made.size() < at_most; rows->Next()) {
      auto hash = rows->key().ToStringView().substr(1);
      auto known = decode_row(rows->value().ToStringView());
      if (hash == after)
        continue;
      if (!known)
        return unexpected{data_.failed("reading", "the row of a blob is damaged")};
      made.push_back({std::string(hash), known->size_bytes, used(hash, *known)});
    }
    if (!rows->status().ok())
      return unexpected{data_.failed("reading", rows->status().ToString())};
    return made;
  });
}

} // namespace troupe
