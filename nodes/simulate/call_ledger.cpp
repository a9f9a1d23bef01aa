#include "nodes/simulate/call_ledger.hpp"

#include "config/limits/simulate.hpp"
#include "nodes/simulate/json_output.hpp"
#include "telemetry/log_format.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

namespace troupe {

namespace {

std::string last_error() { return std::strerror(errno); }

void append_line(std::string& out, const billed_call& entry) {
  append_json(out, R"({"id":")", entry.id, R"(","time":")",
              to_iso8601(std::chrono::system_clock::now()), R"(","api":")", entry.api,
              R"(","model":)");
  append_json_string(out, entry.model);
  append_json(out, R"(,"key_hash":")", entry.key_hash, R"(","request_hash":")", entry.request_hash,
              R"(","input_tokens":)", entry.input_tokens, R"(,"cached_tokens":)",
              entry.cached_tokens, R"(,"cache_written_tokens":)", entry.cache_written_tokens,
              R"(,"output_tokens":)", entry.output_tokens, R"(,"billed_nano_usd":)",
              entry.billed_nano_usd, R"(,"outcome":")", entry.outcome, "\"}\n");
}

/// What stands behind `,"name":` in a line of ours. A quote within a text has a backslash before
/// it, so that no text can look like a field.
std::string_view value_in(std::string_view line, std::string_view name) {
  auto at = line.find(",\"" + std::string{name} + "\":");
  if (at == line.npos)
    return {};
  auto value = line.substr(at + name.size() + 4);
  if (value.starts_with('"')) {
    value.remove_prefix(1);
    return value.substr(0, value.find('"'));
  }
  return value.substr(0, value.find_first_not_of("0123456789"));
}

std::uint64_t number_in_line(std::string_view line, std::string_view name) {
  std::uint64_t number = 0;
  auto text = value_in(line, name);
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

} // namespace

void call_ledger::sums::add(const billed_call& entry) {
  ++calls;
  input += entry.input_tokens;
  cached += entry.cached_tokens;
  cache_written += entry.cache_written_tokens;
  output += entry.output_tokens;
  billed += entry.billed_nano_usd;
  auto found = outcomes.find(entry.outcome);
  if (found == outcomes.end())
    found = outcomes.emplace(entry.outcome, 0).first;
  ++found->second;
}

result<std::unique_ptr<call_ledger>> call_ledger::open(const std::filesystem::path& file) {
  file_handle handle{::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  if (!handle)
    return fail(ec::storage_failed, file.string() + " cannot be opened: " + last_error());
  std::unique_ptr<call_ledger> made{new call_ledger{file, std::move(handle)}};
  if (auto loaded = made->load(); !loaded)
    return unexpected{std::move(loaded.error())};
  return made;
}

result<void> call_ledger::load() {
  std::string unread, page(limits::ledger_page_bytes, '\0');
  for (std::uint64_t at = 0;;) {
    auto got = ::pread(file_.get(), page.data(), page.size(), static_cast<off_t>(at));
    if (got < 0)
      return fail(ec::storage_failed, name_.string() + " cannot be read: " + last_error());
    if (got == 0)
      break;
    at += static_cast<std::uint64_t>(got);
    unread.append(page, 0, static_cast<std::size_t>(got));
    std::size_t from = 0;
    for (auto end = unread.find('\n'); end != unread.npos; end = unread.find('\n', from)) {
      std::string_view line{unread.data() + from, end - from};
      if (!line.starts_with("{\"id\":\""))
        return fail(ec::bad_message, name_.string() + " is no ledger: line "
                                         + std::to_string(totals_.calls + 1)
                                         + " is none of its entries; name another file");
      billed_call entry;
      entry.input_tokens = number_in_line(line, "input_tokens");
      entry.cached_tokens = number_in_line(line, "cached_tokens");
      entry.cache_written_tokens = number_in_line(line, "cache_written_tokens");
      entry.output_tokens = number_in_line(line, "output_tokens");
      entry.billed_nano_usd = number_in_line(line, "billed_nano_usd");
      entry.outcome = value_in(line, "outcome");
      totals_.add(entry);
      size_ += line.size() + 1;
      from = end + 1;
    }
    unread.erase(0, from);
  }
  if (!unread.empty() && !std::string_view{"{\"id\":\""}.starts_with(unread.substr(0, 7)))
    return fail(ec::bad_message, name_.string() + " is no ledger; name another file");
  if (!unread.empty() && ::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0)
    return fail(ec::storage_failed, name_.string() + " cannot be repaired: " + last_error());
  return {};
}

bool call_ledger::append(const billed_call& entry) {
  std::lock_guard lock{mutex_};
  line_.clear();
  append_line(line_, entry);
  auto written = ::write(file_.get(), line_.data(), line_.size());
  if (written != static_cast<ssize_t>(line_.size())) {
    if (written > 0 && ::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0)
      return false; // opening it repairs it
    return false;
  }
  size_ += line_.size();
  totals_.add(entry);
  return true;
}

std::string call_ledger::sum() const {
  std::lock_guard lock{mutex_};
  std::string out;
  append_json(out, R"({"calls":)", totals_.calls, R"(,"input_tokens":)", totals_.input,
              R"(,"cached_tokens":)", totals_.cached, R"(,"cache_written_tokens":)",
              totals_.cache_written, R"(,"output_tokens":)", totals_.output,
              R"(,"billed_nano_usd":)", totals_.billed, R"(,"outcomes":{)");
  bool first = true;
  for (const auto& [name, count] : totals_.outcomes) {
    append_json(out, std::exchange(first, false) ? "\"" : ",\"", name, "\":", count);
  }
  return out + "}}\n";
}

result<void> call_ledger::clear() {
  std::lock_guard lock{mutex_};
  if (::ftruncate(file_.get(), 0) != 0)
    return fail(ec::storage_failed, name_.string() + " cannot be cleared: " + last_error());
  size_ = 0;
  totals_ = {};
  return {};
}

result<call_ledger::pages> call_ledger::read() const {
  std::lock_guard lock{mutex_};
  // By the handle that it has: the file may have another name by now.
  auto path = "/proc/self/fd/" + std::to_string(file_.get());
  file_handle handle{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!handle)
    return fail(ec::storage_failed, name_.string() + " cannot be read: " + last_error());
  return pages{std::move(handle), size_};
}

} // namespace troupe
