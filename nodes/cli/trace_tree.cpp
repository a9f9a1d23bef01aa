#include "nodes/cli/trace_tree.hpp"

#include "messages/cluster.pb.h"
#include "messages/spans.pb.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace troupe::cli {

namespace {

class orderer {
public:
  explicit orderer(const TraceFound& found) {
    for (const auto& span : found.spans())
      spans_.push_back(&span);
    std::ranges::stable_sort(spans_, {}, [](const SpanData* s) { return s->start_ns(); });
    for (auto span : spans_) {
      ids_.insert(span->span());
      children_[span->parent()].push_back(span);
    }
  }

  std::vector<trace_row> rows() {
    for (auto span : spans_)
      if (span->parent() == 0 || !ids_.contains(span->parent()))
        add_tree(*span, span->parent() != 0);
    for (auto span : spans_) // spans that no root leads to
      add_tree(*span, true);
    return std::move(rows_);
  }

private:
  /// Uses its own stack, because a trace may be deeper than a thread's stack.
  void add_tree(const SpanData& root, bool orphan) {
    std::vector<trace_row> waiting{{&root, 0, orphan}};
    while (!waiting.empty()) {
      auto row = waiting.back();
      waiting.pop_back();
      if (!placed_.insert(row.span).second)
        continue;
      rows_.push_back(row);
      auto below = children_.find(row.span->span());
      if (below == children_.end() || row.span->span() == 0)
        continue;
      for (auto child = below->second.rbegin(); child != below->second.rend(); ++child)
        waiting.push_back({*child, row.depth + 1, false});
    }
  }

  std::vector<const SpanData*> spans_; ///< in the order in which they began
  std::unordered_set<std::uint64_t> ids_;
  std::unordered_map<std::uint64_t, std::vector<const SpanData*>> children_;
  std::unordered_set<const SpanData*> placed_;
  std::vector<trace_row> rows_;
};

} // namespace

std::vector<trace_row> order_trace(const TraceFound& found) { return orderer{found}.rows(); }

} // namespace troupe::cli
