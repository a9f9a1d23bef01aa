#pragma once

#include "messages/envelope.hpp"

#include <optional>
#include <string>
#include <string_view>

/// The `traceparent` header of W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context).
namespace troupe {

/// Reads `00-<32 lower hex>-<16 lower hex>-<2 lower hex>`. A version above 00 is read if its first
/// four fields parse; `ff`, zero ids, upper case and anything else give nothing (and then
/// `tracestate` must not be read either). Only the flag `sampled` is kept. The result's `span` is
/// the caller's span, the parent of the spans recorded here. Its sampled flag is a wish: at a
/// public door we decide.
std::optional<trace_context> parse_traceparent(std::string_view text);

/// The header for a request made by `context.span`. Version 00.
std::string format_traceparent(const trace_context& context);

} // namespace troupe
