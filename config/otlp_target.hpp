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

/// A collector's address. It is judged only here: the key `telemetry.otlp_endpoint`, the variables
/// of OpenTelemetry and the exporter all use this.
struct otlp_url {
  std::string full;      ///< where spans are posted to
  std::string shown;     ///< for messages: without user, password and query
  bool loopback = false; ///< no proxy is asked for it
};

enum class otlp_path {
  base,   ///< /v1/traces is appended to the path, unless it already ends so
  signal, ///< the path is taken as it is
};

/// http or https, with a host and optionally user:password@, a port, a path and a query. The error
/// says what was expected and repeats no password.
outcome<otlp_url, std::string> parse_otlp_url(std::string_view text, otlp_path path);

/// A file in the PEM format, and the variable that named it, for messages.
struct named_file {
  std::filesystem::path path; ///< empty: none
  std::string from;
};

/// Where and how spans are sent, from `telemetry.otlp_endpoint` or, if that is empty, from the
/// variables that the OpenTelemetry specification defines for OTLP exporters.
struct otlp_target {
  otlp_url url;                     ///< `full` is empty: nothing is exported
  std::string from;                 ///< the key or the variable that named it
  std::vector<std::string> headers; ///< "name: value"; may hold secrets: never shown
  std::chrono::milliseconds timeout = limits::otlp_request_timeout; ///< of one request
  bool gzip = false;
  named_file certificate;        ///< of the trusted authorities
  named_file client_certificate; ///< shown to the collector
  named_file client_key;
  std::vector<std::pair<std::string, std::string>> resource; ///< added to ours, overriding them
  std::vector<std::string> warnings; ///< parts of the environment that were not understood
};

otlp_target otlp_target_of(const node_config::telemetry_section& telemetry);

/// The value for `telemetry.sample_ratio` that OTEL_TRACES_SAMPLER and its argument ask for.
/// Nothing if they are not set or name an unknown sampler.
std::optional<double> otel_sample_ratio(const std::map<std::string, std::string>& environment);

} // namespace troupe
