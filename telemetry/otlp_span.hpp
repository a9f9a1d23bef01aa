#pragma once

#include "telemetry/otlp_fields.hpp"
#include "telemetry/span_ring.hpp"

#include <protozero/pbf_builder.hpp>

#include <string>

namespace troupe {

using scope_spans_builder = protozero::basic_pbf_builder<std::string, otlp::scope_spans>;

/// Adds a finished span to a batch of OTLP. Its bytes are rewritten field by field, without a
/// message object in between.
void write_otlp_span(scope_spans_builder& to, const packed_span& span);

} // namespace troupe
