// Synced appends to the journal, with one writer and with 32 that wait for their own. The yardstick
// is RocksDB with as many threads, which gathers their writes itself.
#include "messages/journal.pb.h"
#include "persistence/journal/journal_store.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/synced_puts.hpp"

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace {

using namespace troupe;
using namespace troupe::bench;

constexpr std::size_t run_bytes = 16;

std::string step_event() {
  RunEvent event;
  auto& step = *event.mutable_step();
  step.set_index(1'000);
  step.set_attempt(1);
  step.mutable_step()->set_number(1);
  step.mutable_step()->set_asked(0x123456789abcdef0);
  step.mutable_step()->set_what("chat gpt-5");
  return event.SerializeAsString();
}

/// As service::journal: one thread writes all that waits.
class gathering_journal {
public:
  gathering_journal(journal_store& store, std::vector<std::string> runs)
      : store_(store), runs_(std::move(runs)), thread_([this](const auto& stop) { work(stop); }) {}

  void append(unsigned writer) {
    std::unique_lock lock{mutex_};
    waiting_.push_back(writer);
    auto mine = ++asked_;
    work_.notify_one();
    done_.wait(lock, [&] { return written_ >= mine; });
  }

private:
  void work(const std::stop_token& stop) {
    for (;;) {
      std::vector<unsigned> batch;
      {
        std::unique_lock lock{mutex_};
        if (!work_.wait(lock, stop, [&] { return !waiting_.empty(); }))
          return;
        batch.swap(waiting_);
      }
      std::vector<journal_entry> entries;
      for (auto writer : batch)
        entries.push_back({runs_[writer], event_});
      if (!store_.append(entries, journal_write::synced))
        std::abort();
      std::lock_guard lock{mutex_};
      written_ += batch.size();
      done_.notify_all();
    }
  }

  journal_store& store_;
  std::vector<std::string> runs_;
  std::string event_ = step_event();
  std::mutex mutex_;
  std::condition_variable_any work_, done_;
  std::vector<unsigned> waiting_;
  std::uint64_t asked_ = 0, written_ = 0;
  std::jthread thread_;
};

double journal_rate(unsigned writers, unsigned each) {
  temporary_folder folder;
  auto store = open_journal(folder.path() / "journal");
  if (!store)
    throw std::runtime_error(store.error().message);
  RunEvent began;
  began.mutable_began();
  auto event = began.SerializeAsString();
  std::vector<std::string> runs;
  for (unsigned i = 0; i < writers; ++i) {
    runs.emplace_back(run_bytes, static_cast<char>('A' + i));
    journal_entry first{runs.back(), event};
    if (!(*store)->append({&first, 1}, journal_write::synced))
      throw std::runtime_error("a run cannot begin");
  }
  gathering_journal all(**store, runs);
  return rate_of(writers, each, [&](unsigned writer) { all.append(writer); });
}

void measure(unsigned writers, unsigned each) {
  compare(
      "journal: synced appends, " + std::to_string(writers)
          + (writers == 1 ? " writer" : " writers"),
      "appends/s", 5, [&] { return journal_rate(writers, each); }, "bare RocksDB",
      [&] { return synced_puts(writers, each, step_event()); });
}

} // namespace

int main(int argc, char** argv) {
  read_arguments(argc, argv);
  measure(1, 400);
  measure(32, 300);
}
