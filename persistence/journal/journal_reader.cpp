#include "persistence/journal/journal_reader.hpp"

#include "persistence/journal/journal_event.hpp"
#include "persistence/journal/journal_keys.hpp"
#include "persistence/journal/journal_record.hpp"
#include "persistence/sha256.hpp"

namespace troupe {

failure journal_reader::damaged(std::string_view run, std::uint64_t number,
                                std::string_view what) const {
  return data_.damaged("record " + std::to_string(number) + " of " + run_text(run) + " "
                       + std::string{what});
}

failure journal_reader::unreadable(const rocksdb::Status& status) const {
  // RocksDB says which file, and where in it.
  return status.IsCorruption() ? data_.damaged(status.ToString())
                               : data_.failed("reading", status.ToString());
}

result<std::optional<JournalHead>> journal_reader::head_of(std::string_view run) {
  std::string bytes;
  auto status = data_.engine().Get({}, journal_keys::head(run), &bytes);
  if (status.IsNotFound())
    return std::optional<JournalHead>{};
  if (!status.ok())
    return unexpected{unreadable(status)};
  JournalHead head;
  if (!head.ParseFromString(bytes) || head.format() != 1)
    return unexpected{data_.damaged("the head of " + run_text(run) + " cannot be read")};
  return std::optional<JournalHead>{std::move(head)};
}

result<std::string> journal_reader::event_of(std::string_view run, std::uint64_t number,
                                             std::string_view hash) {
  std::string event;
  auto status = data_.engine().Get({}, journal_keys::payload(hash), &event);
  if (status.IsNotFound())
    return unexpected{damaged(run, number, "is there, its payload is not")};
  if (!status.ok())
    return unexpected{unreadable(status)};
  if (sha256(event) != hash)
    return unexpected{damaged(run, number, "has a payload that does not match its hash")};
  return event;
}

result<run_tail> journal_reader::read(std::string_view run, const JournalHead& head,
                                      std::uint64_t after, const event_sink& sink) {
  run_tail tail{after > 0 ? after - 1 : 0, chain_of(run), 0};
  auto prefix = journal_keys::records(head.number());
  auto rows = data_.rows();
  for (rows->Seek(journal_keys::record(head.number(), std::max<std::uint64_t>(after, 1)));
       rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
    auto place = journal_keys::read_record(rows->key().ToStringView());
    auto expected = tail.records + 1;
    if (!place || place->sequence != expected)
      return unexpected{damaged(run, expected, "is missing")};
    auto record = decode_record(rows->value().ToStringView());
    if (!record)
      return unexpected{damaged(run, expected, "cannot be read")};
    bool is_known = expected == after; // the reader has it, and its chain is where this one begins
    if (!is_known && record->chain != chain_of(*record, expected, tail.chain))
      return unexpected{damaged(run, expected, "does not match its checksum")};
    if (record->token < tail.token)
      return unexpected{
          damaged(run, expected, "is from a writer that had lost its right to write")};
    tail = {expected, record->chain, record->token};
    if (is_known)
      continue;
    std::string event;
    if (record->elsewhere) {
      auto found = event_of(run, expected, record->body);
      if (!found)
        return unexpected{std::move(found).error()};
      event = *std::move(found);
    } else if (sink) {
      event = record->body;
    }
    if (sink && !sink(expected, std::move(event)))
      return tail;
  }
  if (!rows->status().ok())
    return unexpected{unreadable(rows->status())};
  if (after > 0 && tail.records < after) // there is no such number: nothing comes after it
    return tail;
  if (tail.records == 0)
    return unexpected{damaged(run, 1, "is missing")};
  if (head.records() > 0 && (tail.records != head.records() || tail.chain != head.chain()))
    return unexpected{damaged(run, head.records(), "is missing, or is not the last one")};
  return tail;
}

result<run_tail> journal_reader::last_of(std::string_view run, const JournalHead& head) {
  auto rows = data_.rows();
  rows->SeekForPrev(journal_keys::records(head.number() + 1));
  if (!rows->status().ok())
    return unexpected{unreadable(rows->status())};
  auto place = rows->Valid() ? journal_keys::read_record(rows->key().ToStringView()) : std::nullopt;
  if (!place || place->number != head.number())
    return unexpected{damaged(run, 1, "is missing")};
  auto record = decode_record(rows->value().ToStringView());
  if (!record)
    return unexpected{damaged(run, place->sequence, "cannot be read")};
  return run_tail{place->sequence, record->chain, record->token};
}

result<void> journal_reader::each_row(const std::string& prefix, const row_sink& sink) {
  auto rows = data_.rows();
  for (rows->Seek(prefix); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
    auto key = rows->key().ToStringView();
    key.remove_prefix(prefix.size());
    if (!sink(key, rows->value().ToStringView()))
      return {};
  }
  if (!rows->status().ok())
    return unexpected{unreadable(rows->status())};
  return {};
}

} // namespace troupe
