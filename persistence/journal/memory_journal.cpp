#include "persistence/journal/journal_rows.hpp"
#include "persistence/journal/journal_store.hpp"

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

struct journal_medium {
  journal_rows rows;
};

namespace {

class memory_journal final : public journal_store {
public:
  explicit memory_journal(std::shared_ptr<journal_medium> on)
      : medium_(std::move(on)), token_(++rows().token) {}

  result<std::uint64_t> append(std::span<const journal_entry> entries, journal_write) override {
    if (auto may = check_token(); !may)
      return unexpected{std::move(may).error()};
    if (auto fits = rows().check(entries); !fits)
      return unexpected{std::move(fits).error()};
    rows().add(entries);
    std::uint64_t bytes = 0;
    for (const auto& entry : entries)
      bytes += entry.event.size();
    return bytes;
  }
  result<void> sync() override { return check_token(); }
  result<std::vector<std::string>> open_runs() override { return rows().open_runs(); }
  result<std::optional<journal_page>> read(std::string_view run, std::uint64_t after,
                                           std::uint64_t bytes_max) override {
    return rows().read(run, after, bytes_max);
  }
  result<std::optional<std::string>> last(std::string_view run) override {
    return rows().last(run);
  }
  result<RunsFound> ended(RunPhase phase, std::string_view prefix, std::size_t at_most) override {
    return rows().ended(phase, prefix, at_most);
  }
  result<std::optional<std::string>> find(std::string_view tenant, std::string_view key) override {
    return rows().find(tenant, key);
  }
  result<std::optional<std::string>> find(std::uint64_t session, std::uint64_t number) override {
    return rows().find(session, number);
  }
  result<journal_removal> remove(std::string_view run) override {
    if (auto may = check_token(); !may)
      return unexpected{std::move(may).error()};
    auto can = rows().can_remove(run);
    if (can == journal_removal::removed)
      forget({std::string{run}});
    return can;
  }
  result<std::size_t> cut(std::int64_t before_ms, std::size_t at_most) override {
    if (auto may = check_token(); !may)
      return unexpected{std::move(may).error()};
    auto old = rows().older_than(before_ms, at_most);
    forget(old);
    return old.size();
  }
  result<bool> names_blob(std::string_view sha256) override { return rows().names_blob(sha256); }
  std::vector<std::string> take_released_blobs() override { return std::exchange(released_, {}); }
  result<std::uint64_t> free_bytes() override { return std::numeric_limits<std::uint64_t>::max(); }

private:
  journal_rows& rows() const { return medium_->rows; }
  void forget(const std::vector<std::string>& runs) {
    auto blobs = rows().blobs_of_only(runs);
    released_.insert(released_.end(), blobs.begin(), blobs.end());
    for (const auto& run : runs)
      rows().remove(run);
  }
  result<void> check_token() const {
    if (token_ == rows().token)
      return {};
    return fail(ec::refused, "the journal was opened again with token "
                                 + std::to_string(rows().token) + ": that of this one, "
                                 + std::to_string(token_) + ", is too old to write");
  }

  std::shared_ptr<journal_medium> medium_;
  std::uint64_t token_;
  std::vector<std::string> released_;
};

} // namespace

std::shared_ptr<journal_medium> make_journal_medium() { return std::make_shared<journal_medium>(); }

std::unique_ptr<journal_store> make_memory_journal(std::shared_ptr<journal_medium> on) {
  return std::make_unique<memory_journal>(std::move(on));
}

} // namespace troupe
