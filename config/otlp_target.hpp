#pragma once

#include "config/base/result.hpp"
#include "config/config.hpp"
#include "config/limits/telemetry.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// A collector's address, judged in this one place: the key `telemetry.otlp_endpoint`, the
/// variables of OpenTelemetry and the exporter all go by it.
struct otlp_url {
  std::string full;      ///< where spans are posted to
  std::string shown;     ///< for messages: without user, password and query
  bool loopback = false; ///< no proxy is asked for it
};

enum class otlp_path {
  base,   ///< /v1/traces is put behind the path unless it ends so already
  signal, ///< the path is taken as it is
};

/// http or https, with a host, and perhaps user:password@, a port, a path and a query. The error
/// says what was expected and repeats no password.
outcome<otlp_url, std::string> parse_otlp_url(std::string_view text, otlp_path path);

/// Where spans go and how, from `telemetry.otlp_endpoint` and, where that is empty, from the
/// variables that the OpenTelemetry specification gives to OTLP exporters.
struct otlp_target {
  otlp_url url;                     ///< `full` is empty: nothing is exported
  std::string from;                 ///< the key or the variable that named it
  std::vector<std::string> headers; ///< "name: value"; may hold keys: never shown
  std::chrono::milliseconds timeout = limits::otlp_request_timeout; ///< of one request
  bool gzip = false;
  std::filesystem::path certificate;        ///< PEM, of the authorities that are trusted
  std::filesystem::path client_certificate; ///< PEM, shown to the collector
  std::filesystem::path client_key;         ///< PEM
  std::vector<std::pair<std::string, std::string>> resource; ///< beside and over our own
  std::vector<std::string> warnings; ///< what of the environment was not understood
};

otlp_target otlp_target_of(const node_config::telemetry_section& telemetry);

/// What OTEL_TRACES_SAMPLER and its argument ask for, as a value for `telemetry.sample_ratio`.
/// Nothing if they are not set or name a sampler that is not there.
std::optional<double> otel_sample_ratio(const std::map<std::string, std::string>& environment);

} // namespace troupe
