#pragma once

#include "telemetry/metrics.hpp"

#include <prometheus/metric_family.h>

#include <cstdint>
#include <vector>

namespace troupe {

/// Adds what a node counts plainly, and the figures of its process, to what is served at /metrics.
void add_node_figures(std::vector<prometheus::MetricFamily>& to, const metrics::counts& counts,
                      std::uint64_t lines_dropped_by_log);

} // namespace troupe
