#pragma once

#include <string>
#include <string_view>

namespace troupe {

/// Takes the keys of a provider out of a text for people. Servers repeat the key that they were
/// given, in errors of any status; the text ends in logs, traces and on terminals.
///
/// Who knows the keys implements it. Who words a failure asks it before he shortens or changes what
/// the server said: a part of a key is not found any more. Answers are not for it. Thread-safe, and
/// does not wait.
class key_hider {
public:
  virtual ~key_hider() = default;
  virtual std::string without_keys(std::string_view provider, std::string text) const = 0;
};

/// `text` with *** for each `key`, also if backslashes were put into it (as JSON has them before
/// quotation marks and slashes), and for its beginning at the end of the text. A key of less than
/// `hidden_key_bytes_min` bytes stays: it is in other words too.
std::string without_key(std::string text, std::string_view key);

} // namespace troupe
