#include "persistence/identity.hpp"

#include "config/base/hex.hpp"
#include "persistence/files.hpp"
#include "persistence/own_files.hpp"
#include "persistence/sha256.hpp"

#include <charconv>
#include <optional>
#include <vector>

namespace troupe {

namespace {

constexpr std::size_t identity_bytes_max = 4096;
constexpr std::string_view first_line = "troupe identity 1";

struct known_identity {
  node_id id;
  std::uint64_t incarnation = 0;
  bool has_stores = false;
  bool has_journal = false;
};

std::string checksum(std::string_view text) {
  std::uint64_t head = 0;
  for (auto c : sha256(text).substr(0, 8))
    head = head << 8 | static_cast<unsigned char>(c);
  return to_hex(head);
}

std::string to_text(const known_identity& known) {
  auto text = std::string(first_line) + "\nid " + to_string(known.id) + "\nincarnation "
              + std::to_string(known.incarnation) + "\n";
  if (known.has_stores)
    text += "stores made\n";
  if (known.has_journal)
    text += "journal made\n";
  return text + "check " + checksum(text) + "\n";
}

/// Nothing unless `text` is exactly what `to_text` writes.
std::optional<known_identity> parse_identity(std::string_view text) {
  auto field = [&](std::string_view label) -> std::string_view {
    auto at = text.find("\n" + std::string(label) + " ");
    if (at == std::string_view::npos)
      return {};
    auto value = text.substr(at + label.size() + 2);
    return value.substr(0, value.find('\n'));
  };
  auto id = parse_id128<node_id>(field("id"));
  auto count = field("incarnation");
  known_identity known;
  auto end = count.data() + count.size();
  auto [stopped, error] = std::from_chars(count.data(), end, known.incarnation);
  if (!id || error != std::errc{} || stopped != end)
    return std::nullopt;
  known.id = *id;
  known.has_stores = field("stores") == "made";
  known.has_journal = field("journal") == "made";
  if (to_text(known) != text)
    return std::nullopt;
  return known;
}

/// A UUID of version 4.
node_id random_id(const std::function<std::uint64_t()>& random) {
  auto hi = random();
  auto lo = random();
  return {(hi & ~0xf000ULL) | 0x4000ULL, (lo & ~(3ULL << 62)) | (2ULL << 62)};
}

result<file_lock> take_folder(const std::filesystem::path& folder) {
  auto path = folder / "lock";
  auto taken = file_lock::take(path);
  if (!taken)
    return unexpected{std::move(taken).error()};
  if (*taken)
    return **std::move(taken);
  auto holder = file_lock::holder(path);
  auto who = holder ? " (pid " + std::to_string(*holder) + ")" : std::string{};
  return fail(ec::refused, "another process" + who + " is using " + folder.string()
                               + ": stop it, or choose another data folder");
}

} // namespace

result<node_identity> open_identity(const std::filesystem::path& folder,
                                    std::string_view id_hex_or_empty,
                                    const std::function<std::uint64_t()>& random) {
  auto wanted = parse_id128<node_id>(id_hex_or_empty);
  if (!id_hex_or_empty.empty() && (!wanted || !*wanted))
    return fail(ec::invalid_argument, "expected a node id of 32 hex digits, found \""
                                          + std::string(id_hex_or_empty) + "\"");
  if (auto made = make_own_folder(folder); !made)
    return unexpected{std::move(made).error()};
  auto lock = take_folder(folder);
  if (!lock)
    return unexpected{std::move(lock).error()};

  auto path = folder / "identity";
  auto text = read_own_file(path, identity_bytes_max);
  if (!text)
    return unexpected{std::move(text).error()};
  known_identity known;
  if (*text) {
    auto parsed = parse_identity(**text);
    if (!parsed)
      return fail(ec::bad_message,
                  path.string()
                      + " is damaged: restore it from a copy, or remove it to make "
                        "this a new node");
    known = *parsed;
    if (wanted && *wanted != known.id)
      return fail(ec::invalid_argument, folder.string() + " belongs to node " + to_string(known.id)
                                            + ", the configuration says " + to_string(*wanted));
  } else {
    known.id = wanted ? *wanted : random_id(random);
  }
  ++known.incarnation;
  if (auto kept = replace_file(path, folder / "identity.new", to_text(known)); !kept)
    return unexpected{std::move(kept).error()};
  return node_identity{known.id, known.incarnation, known.has_stores, known.has_journal,
                       *std::move(lock)};
}

result<void> note_stores(const std::filesystem::path& folder, node_identity& known) {
  if (known.has_stores && known.has_journal)
    return {};
  auto kept = replace_file(folder / "identity", folder / "identity.new",
                           to_text({known.id, known.incarnation, true, true}));
  known.has_stores = known.has_journal = bool(kept);
  return kept;
}

} // namespace troupe
