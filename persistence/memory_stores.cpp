#include "messages/agents.pb.h"
#include "messages/values.pb.h"
#include "persistence/state_store.hpp"

#include <map>
#include <unordered_map>

namespace troupe {

namespace {

class memory_state_store final : public state_store {
public:
  result<std::optional<Snapshot>> get(std::string_view agent) override {
    auto found = snapshots_.find(agent);
    if (found == snapshots_.end())
      return std::optional<Snapshot>{};
    return std::optional<Snapshot>(found->second);
  }
  result<void> put(std::string_view agent, const Snapshot& snapshot) override {
    snapshots_.insert_or_assign(std::string(agent), snapshot);
    return {};
  }
  result<std::uint64_t> count() override { return snapshots_.size(); }

private:
  std::map<std::string, Snapshot, std::less<>> snapshots_;
};

class memory_blob_store final : public blob_store {
public:
  result<BlobRef> put(std::string_view bytes) override {
    BlobRef made;
    made.set_sha256(sha256(bytes));
    made.set_size_bytes(bytes.size());
    blobs_.try_emplace(made.sha256(), bytes);
    return made;
  }
  result<std::optional<std::string>> get(std::string_view hash) override {
    auto found = blobs_.find(std::string(hash));
    if (found == blobs_.end())
      return std::optional<std::string>{};
    return std::optional<std::string>(found->second);
  }

private:
  std::unordered_map<std::string, std::string> blobs_;
};

} // namespace

std::unique_ptr<state_store> make_memory_state_store() {
  return std::make_unique<memory_state_store>();
}

std::unique_ptr<blob_store> make_memory_blob_store() {
  return std::make_unique<memory_blob_store>();
}

} // namespace troupe
