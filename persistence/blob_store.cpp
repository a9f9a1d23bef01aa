#include "config/limits/work.hpp"
#include "messages/values.pb.h"
#include "persistence/files.hpp"
#include "persistence/state_store.hpp"

#include <list>
#include <system_error>
#include <unordered_map>

namespace troupe {

namespace {

constexpr std::size_t hash_bytes = 32;

std::string hex(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (auto c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    (text += digits[byte >> 4]) += digits[byte & 15];
  }
  return text;
}

/// The last used blobs, as many as fit. Large ones are not kept: the system keeps their files, and
/// whoever reads them keeps what it needs of them.
class recent_blobs {
public:
  explicit recent_blobs(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  const std::string* find(const std::string& hash) {
    auto found = places_.find(hash);
    if (found == places_.end())
      return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return &found->second->bytes;
  }

  void keep(const std::string& hash, std::string_view bytes) {
    if (bytes.size() > limits::blob_in_memory_bytes_max || cost(bytes) > bytes_max_
        || places_.contains(hash))
      return;
    bytes_ += cost(bytes);
    order_.push_front({hash, std::string(bytes)});
    places_.emplace(hash, order_.begin());
    while (bytes_ > bytes_max_) {
      bytes_ -= cost(order_.back().bytes);
      places_.erase(order_.back().hash);
      order_.pop_back();
    }
  }

private:
  struct entry {
    std::string hash;
    std::string bytes;
  };
  /// With what an entry takes besides, so that many small ones are bounded too.
  static std::size_t cost(std::string_view bytes) { return bytes.size() + 256; }

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<entry> order_;
  std::unordered_map<std::string, std::list<entry>::iterator> places_;
};

class file_blob_store final : public blob_store {
public:
  file_blob_store(std::filesystem::path folder, std::size_t memory_bytes_max,
                  free_space_source free_space)
      : folder_(std::move(folder)), free_space_(std::move(free_space)), recent_(memory_bytes_max) {}

  /// Removes what a crash left half written.
  result<void> open() {
    std::error_code error;
    std::filesystem::remove_all(temporary_folder(), error);
    return make_folder(temporary_folder());
  }

  result<BlobRef> put(std::string_view bytes) override {
    if (bytes.size() > limits::document_bytes_max)
      return fail(ec::too_large, "a blob has " + std::to_string(bytes.size()) + " bytes, at most "
                                     + std::to_string(limits::document_bytes_max) + " are allowed");
    BlobRef made;
    made.set_sha256(sha256(bytes));
    made.set_size_bytes(bytes.size());
    if (recent_.find(made.sha256()))
      return made;
    auto path = path_of(made.sha256());
    // What is there already is trusted only if it is whole: storing a damaged blob again heals it.
    auto there = read_file(path, limits::document_bytes_max);
    if (!there || !*there || **there != bytes)
      if (auto written = write(path, bytes); !written)
        return unexpected{std::move(written).error()};
    recent_.keep(made.sha256(), bytes);
    return made;
  }

  result<std::optional<std::string>> get(std::string_view hash) override {
    if (hash.size() != hash_bytes)
      return fail(ec::invalid_argument,
                  "a blob's hash has 32 bytes, this one " + std::to_string(hash.size()));
    std::string key(hash);
    if (auto known = recent_.find(key))
      return std::optional<std::string>(*known);
    auto path = path_of(key);
    auto bytes = read_file(path, limits::document_bytes_max);
    if (!bytes || !*bytes)
      return bytes;
    if (sha256(**bytes) != key)
      return fail(ec::storage_failed,
                  "the blob in " + path.string() + " is damaged: its bytes do not match its name");
    recent_.keep(key, **bytes);
    return bytes;
  }

private:
  std::filesystem::path temporary_folder() const { return folder_ / "tmp"; }

  std::filesystem::path path_of(const std::string& hash) const {
    auto text = hex(hash);
    return folder_ / text.substr(0, 2) / text.substr(2, 2) / text;
  }

  result<void> write(const std::filesystem::path& path, std::string_view bytes) {
    if (auto space = check_free_space(free_space_, folder_, bytes.size()); !space)
      return space;
    if (auto made = make_folder(path.parent_path()); !made)
      return made;
    return replace_file(path, temporary_folder() / path.filename(), bytes);
  }

  std::filesystem::path folder_;
  free_space_source free_space_;
  recent_blobs recent_;
};

} // namespace

result<std::unique_ptr<blob_store>> open_blob_store(const std::filesystem::path& folder,
                                                    std::size_t memory_bytes_max,
                                                    free_space_source free_space) {
  auto store = std::make_unique<file_blob_store>(folder, memory_bytes_max, std::move(free_space));
  if (auto opened = store->open(); !opened)
    return unexpected{std::move(opened).error()};
  return std::unique_ptr<blob_store>(std::move(store));
}

} // namespace troupe
