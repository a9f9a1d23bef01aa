#include "config/otlp_target.hpp"

#include "config/base/host_port.hpp"
#include "config/keys.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace troupe {

namespace {

using environment = std::map<std::string, std::string>;
using pairs = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view traces_path = "/v1/traces";

struct url_closer {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using url_handle = std::unique_ptr<CURLU, url_closer>;

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, 0) != CURLUE_OK)
    return {};
  std::string found{text};
  curl_free(text);
  return found;
}

/// An address in a form that may be repeated. The text before an @ may be a password, with any
/// characters in it if the address is wrong. The text after a colon that is not a port, and a
/// query, may also be a password.
std::string without_secrets(std::string_view text) {
  auto query = text.find('?');
  auto at = text.rfind('@');
  auto scheme = text.find("://");
  auto host = scheme == text.npos ? 0 : scheme + 3;
  if (at != text.npos && (at < host || (query != text.npos && query < at)))
    return std::string{text.substr(0, at < host ? 0 : host)} + "...";
  auto begin = std::string{text.substr(0, host)};
  if (at != text.npos)
    return begin + "..." + std::string{text.substr(at, query - at)};
  auto shown = text.substr(host, query == text.npos ? query : query - host);
  auto colon = query == text.npos ? query : shown.rfind(':');
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (colon != text.npos && shown.find_first_of("/]", colon) == text.npos
      && !std::all_of(shown.begin() + static_cast<std::ptrdiff_t>(colon) + 1, shown.end(),
                      is_digit))
    return begin + std::string{"..."};
  return begin + std::string{shown};
}

std::string_view trimmed(std::string_view text) {
  auto begin = text.find_first_not_of(" \t");
  auto end = text.find_last_not_of(" \t");
  return begin == text.npos ? std::string_view{} : text.substr(begin, end - begin + 1);
}

int hex_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/// Nothing if a % is not followed by two hex digits.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      made += text[i];
      continue;
    }
    if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0)
      return std::nullopt;
    made += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
    i += 2;
  }
  return made;
}

bool is_token(std::string_view text) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~"; // RFC 9110, 5.6.2
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || others.find(c) != others.npos;
  });
}

bool is_visible(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

/// The list "key=value,key=value" of the variables, its values percent-encoded. An invalid pair is
/// left out and named without its value.
pairs read_pairs(std::string_view variable, std::string_view text,
                 std::vector<std::string>& warnings) {
  pairs all;
  while (!text.empty()) {
    auto comma = text.find(',');
    auto item = trimmed(text.substr(0, comma));
    text = comma == text.npos ? std::string_view{} : text.substr(comma + 1);
    if (item.empty())
      continue;
    auto equals = item.find('=');
    auto key = trimmed(item.substr(0, equals));
    auto value =
        equals == item.npos ? std::nullopt : percent_decoded(trimmed(item.substr(equals + 1)));
    if (!is_token(key) || !value || !is_visible(*value) || all.size() >= limits::otlp_pairs_max) {
      // A word without "=" may be a secret key that was meant as a value.
      auto shown =
          equals != item.npos && is_token(key) ? "'" + std::string{key} + "'" : "a part of it";
      warnings.push_back(std::string{variable} + ": " + shown + " is left out: expected at most "
                         + std::to_string(limits::otlp_pairs_max)
                         + " of KEY=VALUE with percent-encoded values, separated by commas");
      continue;
    }
    all.emplace_back(key, std::move(*value));
  }
  return all;
}

/// Looks variables up: an empty one counts as not set, as the specification says.
class variables {
public:
  explicit variables(const environment& all) : all_(all) {}

  std::string_view find(const std::string& name) const {
    auto found = all_.find(name);
    return found == all_.end() ? std::string_view{} : std::string_view{found->second};
  }

  struct found_variable {
    std::string name;
    std::string_view value; ///< empty: not set
  };
  /// The variable for traces, or else the one for all signals.
  found_variable of_exporter(const std::string& what) const {
    for (const auto* prefix : {"OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"})
      if (auto value = find(prefix + what); !value.empty())
        return {prefix + what, value};
    return {};
  }

  bool is(const std::string& name, std::string_view wanted) const {
    auto value = find(name);
    return std::equal(value.begin(), value.end(), wanted.begin(), wanted.end(), [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
    });
  }

private:
  const environment& all_;
};

/// Whether the variables forbid the export they configure.
bool is_off(const variables& set) {
  return set.is("OTEL_SDK_DISABLED", "true") || set.is("OTEL_TRACES_EXPORTER", "none");
}

void find_url(const node_config::telemetry_section& telemetry, const variables& set,
              otlp_target& to) {
  if (telemetry.otlp_endpoint == otlp_nowhere)
    return;
  if (!telemetry.otlp_endpoint.empty()) {
    to.from = "telemetry.otlp_endpoint";
    if (auto url = parse_otlp_url(telemetry.otlp_endpoint, otlp_path::base))
      to.url = *std::move(url);
    else
      to.warnings.push_back(to.from + ": " + url.error());
    return;
  }
  auto named = set.of_exporter("ENDPOINT");
  if (named.value.empty() || is_off(set))
    return;
  auto path = named.name == "OTEL_EXPORTER_OTLP_ENDPOINT" ? otlp_path::base : otlp_path::signal;
  auto url = parse_otlp_url(named.value, path);
  if (!url) {
    to.warnings.push_back(named.name + ": " + url.error());
    return;
  }
  to.url = *std::move(url);
  to.from = named.name;
}

named_file file_named_by(const variables::found_variable& set) { return {set.value, set.name}; }

void read_timeout(const variables& set, otlp_target& to) {
  auto asked = set.of_exporter("TIMEOUT");
  if (asked.value.empty())
    return;
  std::int64_t milliseconds = 0;
  auto end = asked.value.data() + asked.value.size();
  auto [stopped, error] = std::from_chars(asked.value.data(), end, milliseconds);
  if (error == std::errc{} && stopped == end && milliseconds > 0
      && milliseconds <= limits::otlp_request_timeout_max.count())
    to.timeout = std::chrono::milliseconds{milliseconds};
  else
    to.warnings.push_back(
        asked.name + ": expected milliseconds from 1 to "
        + std::to_string(limits::otlp_request_timeout_max.count()) + ", found \""
        + std::string{asked.value} + "\"; a request has "
        + std::to_string(std::chrono::milliseconds{limits::otlp_request_timeout}.count()) + " ms");
}

void read_coding(const variables& set, otlp_target& to) {
  if (auto asked = set.of_exporter("COMPRESSION"); asked.value == "gzip")
    to.gzip = true;
  else if (!asked.value.empty() && asked.value != "none")
    to.warnings.push_back(asked.name + ": expected gzip or none, found \""
                          + std::string{asked.value} + "\"; nothing is compressed");
  auto protocol = set.of_exporter("PROTOCOL");
  if (!protocol.value.empty() && protocol.value != "http/protobuf")
    to.warnings.push_back(protocol.name + ": spans are sent by http/protobuf only, not by \""
                          + std::string{protocol.value}
                          + "\": name the collector's HTTP port, which is usually 4318");
}

std::optional<double> sample_ratio_of(const variables& set) {
  std::string sampler{set.find("OTEL_TRACES_SAMPLER")};
  constexpr std::string_view parent_based = "parentbased_"; // ours always is
  if (sampler.starts_with(parent_based))
    sampler.erase(0, parent_based.size());
  if (sampler == "always_on")
    return 1.0;
  if (sampler == "always_off")
    return 0.0;
  if (sampler != "traceidratio")
    return std::nullopt;
  auto argument = set.find("OTEL_TRACES_SAMPLER_ARG");
  if (argument.empty())
    return 1.0;
  double ratio = 0;
  auto end = argument.data() + argument.size();
  auto [stopped, error] = std::from_chars(argument.data(), end, ratio);
  if (error != std::errc{} || stopped != end || !(ratio >= 0 && ratio <= 1))
    return std::nullopt;
  return ratio;
}

/// What is not understood in the variables that turn traces on and off.
void check_switches(const variables& set, otlp_target& to) {
  constexpr const char* disabled = "OTEL_SDK_DISABLED";
  constexpr const char* sampler = "OTEL_TRACES_SAMPLER";
  if (auto value = set.find(disabled);
      !value.empty() && !set.is(disabled, "true") && !set.is(disabled, "false"))
    to.warnings.push_back(std::string{disabled} + ": expected true or false, found \""
                          + std::string{value} + "\"; traces are exported");
  if (auto value = set.find(sampler); !value.empty() && !sample_ratio_of(set))
    to.warnings.push_back(std::string{sampler} + ": expected always_on, always_off or traceidratio"
                          + ", perhaps after parentbased_, and OTEL_TRACES_SAMPLER_ARG from 0 to 1"
                          + ", found \"" + std::string{value} + "\" and \""
                          + std::string{set.find("OTEL_TRACES_SAMPLER_ARG")}
                          + "\"; telemetry.sample_ratio decides");
}

void read_resource(const variables& set, otlp_target& to) {
  constexpr const char* attributes = "OTEL_RESOURCE_ATTRIBUTES";
  to.resource = read_pairs(attributes, set.find(attributes), to.warnings);
  auto service = set.find("OTEL_SERVICE_NAME");
  if (service.empty())
    return;
  std::erase_if(to.resource, [](const auto& pair) { return pair.first == "service.name"; });
  to.resource.emplace_back("service.name", service);
}

} // namespace

outcome<otlp_url, std::string> parse_otlp_url(std::string_view text, otlp_path path) {
  auto wrong = [&](std::string_view found) {
    return mismatch("http://HOST:PORT or https://HOST, perhaps with a path, such as "
                    "http://127.0.0.1:4318",
                    found);
  };
  url_handle url{curl_url()};
  if (!url || !is_visible(text)
      || curl_url_set(url.get(), CURLUPART_URL, std::string{text}.c_str(), 0) != CURLUE_OK)
    return wrong(without_secrets(text));
  auto scheme = part(url.get(), CURLUPART_SCHEME);
  auto host = part(url.get(), CURLUPART_HOST);
  auto port = part(url.get(), CURLUPART_PORT);
  if ((scheme != "http" && scheme != "https") || host.empty() || port == "0"
      || !part(url.get(), CURLUPART_FRAGMENT).empty())
    return wrong(without_secrets(text));
  auto behind = part(url.get(), CURLUPART_PATH);
  if (path == otlp_path::base) {
    while (behind.ends_with('/'))
      behind.pop_back();
    if (!behind.ends_with(traces_path))
      behind += traces_path;
    curl_url_set(url.get(), CURLUPART_PATH, behind.c_str(), 0);
  }
  otlp_url made;
  made.full = part(url.get(), CURLUPART_URL);
  for (auto secret : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY})
    curl_url_set(url.get(), secret, nullptr, 0);
  made.shown = part(url.get(), CURLUPART_URL);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  made.loopback = is_loopback(host);
  return made;
}

otlp_target otlp_target_of(const node_config::telemetry_section& telemetry) {
  otlp_target to;
  variables set{telemetry.otel};
  check_switches(set, to);
  find_url(telemetry, set, to);
  if (to.url.full.empty())
    return to;
  auto headers = set.of_exporter("HEADERS");
  for (const auto& [key, value] : read_pairs(headers.name, headers.value, to.warnings))
    to.headers.emplace_back(key).append(value.empty() ? ";" : ": ").append(value); // for libcurl
  to.certificate = file_named_by(set.of_exporter("CERTIFICATE"));
  to.client_certificate = file_named_by(set.of_exporter("CLIENT_CERTIFICATE"));
  to.client_key = file_named_by(set.of_exporter("CLIENT_KEY"));
  read_timeout(set, to);
  read_coding(set, to);
  read_resource(set, to);
  return to;
}

std::optional<double> otel_sample_ratio(const environment& all) {
  return sample_ratio_of(variables{all});
}

} // namespace troupe
