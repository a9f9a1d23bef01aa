#include "telemetry/trace_sampler.hpp"

#include <cmath>

namespace troupe {

namespace {

/// W3C trace context, level 2: the last seven bytes of a trace id are random.
constexpr int random_id_bits = 56;
constexpr std::uint64_t random_mask = (std::uint64_t{1} << random_id_bits) - 1;

} // namespace

trace_sampler::trace_sampler(double ratio)
    : below_(static_cast<std::uint64_t>(std::ldexp(ratio, random_id_bits))) {}

void trace_sampler::decide(trace_context& trace) const noexcept {
  if (!trace.undecided())
    return;
  auto remote = static_cast<std::uint8_t>(trace.flags & trace_context::flag_remote);
  trace.flags = (trace.trace.lo & random_mask) < below_ ? trace_context::flag_sampled : 0;
  trace.flags |= remote;
}

} // namespace troupe
