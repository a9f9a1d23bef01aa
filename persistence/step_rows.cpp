#include "persistence/step_rows.hpp"

#include "messages/payload.hpp"
#include "persistence/open_messages.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

constexpr char step_rows_begin = 'p';
constexpr std::size_t place_bytes = 4;
constexpr std::size_t number_bytes = 8;
constexpr std::size_t agent_at = 1 + place_bytes + 2 * number_bytes;

std::uint64_t number_at(std::string_view key, std::size_t at, std::size_t size) {
  std::string bytes{key.substr(at, size)};
  bytes.resize(number_bytes, '\0');
  return decode_number(bytes).value_or(0);
}

} // namespace

std::string step_rows::key_of(const step_row& row, std::string_view agent) {
  std::string key{step_rows_begin};
  key += encode_number(row.place).substr(0, place_bytes);
  key += encode_number(row.session) + encode_number(row.number);
  return key.append(agent);
}

result<void> step_rows::add_up(rocksdb_database& data, ledger& sum) {
  rows_.clear();
  auto rows = data.rows();
  for (rows->Seek(std::string{step_rows_begin});
       rows->Valid() && rows->key().starts_with(std::string{step_rows_begin}); rows->Next()) {
    auto key = rows->key().ToStringView();
    if (key.size() <= agent_at)
      return unexpected{data.damaged("the key of a step cannot be read")};
    step_row found{static_cast<std::uint32_t>(number_at(key, 1, place_bytes)),
                   number_at(key, 1 + place_bytes, number_bytes),
                   number_at(key, 1 + place_bytes + number_bytes, number_bytes),
                   step_fingerprint(key, rows->value().ToStringView())};
    sum.add_step(found.fingerprint);
    rows_[std::string{key.substr(agent_at)}].push_back(found);
  }
  if (!rows->status().ok())
    return unexpected{data.damaged(rows->status().ToString())};
  for (auto& [agent, all] : rows_)
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.place < b.place; });
  return {};
}

result<std::vector<StepsMade>> step_rows::read(rocksdb_database& data,
                                               std::string_view agent) const {
  std::vector<StepsMade> all;
  auto known = rows_.find(agent);
  if (known == rows_.end())
    return all;
  for (const auto& row : known->second) {
    auto key = key_of(row, agent);
    auto bytes = data.get(key);
    if (!bytes)
      return unexpected{std::move(bytes).error()};
    if (!*bytes || step_fingerprint(key, **bytes) != row.fingerprint
        || !parse_message(all.emplace_back(), **bytes))
      return unexpected{data.failed("reading", "the steps of a message to " + std::string{agent}
                                                   + ": one is damaged")};
  }
  return all;
}

void step_rows::add(rocksdb::WriteBatch& batch, ledger& sum, const StepsMade& made) {
  auto agent = std::string_view{made.message().agent()};
  auto& rows = changed(agent);
  step_row row{rows.empty() ? 1 : rows.back().place + 1, made.message().session(),
               made.message().number(), 0};
  auto key = key_of(row, agent);
  auto bytes = made.SerializeAsString();
  row.fingerprint = step_fingerprint(key, bytes);
  sum.add_step(row.fingerprint);
  batch.Put(key, bytes);
  rows.push_back(row);
}

void step_rows::settle(rocksdb::WriteBatch& batch, ledger& sum, std::string_view agent,
                       const google::protobuf::RepeatedPtrField<MessageKey>& which) {
  if (which.empty() || (!rows_.contains(agent) && !next_.contains(agent)))
    return;
  std::erase_if(changed(agent), [&](const step_row& row) {
    bool goes = names_message(which, row.session, row.number);
    if (goes) {
      sum.remove_step(row.fingerprint);
      batch.Delete(key_of(row, agent));
    }
    return goes;
  });
}

std::vector<step_rows::step_row>& step_rows::changed(std::string_view agent) {
  auto found = next_.find(agent);
  if (found != next_.end())
    return found->second;
  auto known = rows_.find(agent);
  return next_[std::string{agent}] = known == rows_.end() ? std::vector<step_row>{} : known->second;
}

void step_rows::is_written() {
  for (auto& [agent, rows] : next_) {
    if (rows.empty())
      rows_.erase(agent);
    else
      rows_[agent] = std::move(rows);
  }
  next_.clear();
}

} // namespace troupe
