#include "nodes/cli/trace_view.hpp"

#include "config/base/count_of.hpp"
#include "config/base/hex.hpp"
#include "config/prices.hpp"
#include "messages/cluster.pb.h"
#include "messages/spans.pb.h"
#include "nodes/cli/trace_tree.hpp"
#include "telemetry/text_escape.hpp"
#include "telemetry/trace_words.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>

namespace troupe::cli {

namespace {

constexpr std::size_t width_min = 40, gap = 1, duration_width = 8, node_width_max = 12;
constexpr std::size_t bar_width_min = 6, bar_width_max = 40;
/// The width of most notes, such as "reader#2, 5767→12 tokens". The bars get the rest.
constexpr std::size_t notes_width_wanted = 27;
constexpr std::string_view reset = "\x1b[0m", bold = "\x1b[1m", dim = "\x1b[2m", red = "\x1b[31m";

/// One character counts as one column.
std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Text from outside, made harmless and cut to `width` with an ellipsis.
std::string fitted(std::string_view text, std::size_t width) {
  std::string safe;
  append_terminal_escaped(safe, text);
  if (columns_of(safe) <= width)
    return safe;
  if (width == 0)
    return {};
  std::string cut;
  std::string_view rest = safe;
  for (std::size_t used = 0; used + 1 < width; ++used) {
    auto length = utf8_length(rest);
    cut += rest.substr(0, length);
    rest.remove_prefix(length);
  }
  return cut + "…";
}

std::string padded(std::string text, std::size_t width) {
  auto columns = columns_of(text);
  return columns < width ? text.append(width - columns, ' ') : text;
}

std::string right_aligned(const std::string& text, std::size_t width) {
  auto columns = columns_of(text);
  return columns < width ? std::string(width - columns, ' ') + text : text;
}

const SpanAttribute* find(const SpanData& span, std::string_view key) {
  for (const auto& attribute : span.attributes())
    if (attribute.key() == key)
      return &attribute;
  return nullptr;
}

std::string number_text(const SpanAttribute& attribute) {
  if (attribute.has_number()) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", attribute.number());
    return text;
  }
  return std::to_string(attribute.integer());
}

/// Shortens "read GPL-3" to "GPL-3" for the span "task read", whose name already shows the step.
std::string without_step(const std::string& label, std::string_view span_name) {
  auto step_end = label.find(' ');
  bool seen = step_end != std::string::npos
              && span_name.find(" " + label.substr(0, step_end)) != std::string_view::npos;
  return seen ? label.substr(step_end + 1) : label;
}

/// "task read[7]": the name has no index, so that all tasks of a step are one in other tools.
std::string title_of(const SpanData& span) {
  auto index = find(span, attr::task_index);
  return index ? span.name() + "[" + number_text(*index) + "]" : span.name();
}

/// The few attributes that people look for. The most useful come first, because the line may be
/// cut.
std::string notes_of(const SpanData& span) {
  std::string notes;
  auto add = [&notes](const std::string& note) { notes += (notes.empty() ? "" : ", ") + note; };
  if (span.failed())
    add("failed: " + span.status_message());
  auto attempt = find(span, attr::task_attempt);
  if (attempt && attempt->integer() > 1)
    add("attempt " + number_text(*attempt));
  if (auto label = find(span, attr::task_label); label && !span.name().ends_with(label->text()))
    add(without_step(label->text(), span.name()));
  if (auto agent = find(span, attr::agent_id))
    add(agent->text());
  if (auto model = find(span, attr::request_model); model && !span.name().ends_with(model->text()))
    add("model " + model->text());
  if (auto purpose = find(span, attr::purpose))
    add(purpose->text());
  if (auto wait = find(span, attr::queue_wait))
    add("waited " + number_text(*wait) + " ms");
  auto in = find(span, attr::input_tokens), out = find(span, attr::output_tokens);
  if (in || out)
    add((in ? number_text(*in) : "0") + "→" + (out ? number_text(*out) : "0") + " tokens");
  if (auto cost = find(span, attr::cost))
    add(money_text(std::llround(cost->number() * 1e9)));
  return notes;
}

/// A span never ends before it begins, whatever was recorded.
std::int64_t end_of(const SpanData& span) { return std::max(span.start_ns(), span.end_ns()); }

class waterfall {
public:
  waterfall(const TraceFound& found, const trace_view_options& options)
      : found_(found), options_(options), width_(std::max(options.width, width_min)),
        rows_(order_trace(found)) {
    for (const auto& row : rows_) {
      begin_ = std::min(begin_.value_or(row.span->start_ns()), row.span->start_ns());
      end_ = std::max(end_.value_or(end_of(*row.span)), end_of(*row.span));
      if (row.span->service().empty()) // else a client made it
        nodes_.try_emplace(row.span->node_name(), nodes_.size());
    }
    lay_out();
  }

  std::string draw() {
    draw_header();
    for (const auto& row : rows_)
      draw_row(row);
    return std::move(out_);
  }

private:
  static std::string_view mark_of(const trace_row& row) { return row.orphan ? "? " : ""; }

  void lay_out() {
    std::size_t longest_name = 4, longest_node = 4;
    for (const auto& row : rows_) {
      auto name_columns = columns_of(title_of(*row.span)) + mark_of(row).size();
      longest_name = std::max(longest_name, 2 * row.depth + name_columns);
      longest_node = std::max(longest_node, columns_of(row.span->node_name()));
    }
    name_width_ = std::min(longest_name, width_ * 3 / 8);
    node_width_ = std::min({longest_node, width_ / 5, node_width_max});
    auto taken = name_width_ + node_width_ + duration_width + 3 * gap;
    auto left = width_ > taken ? width_ - taken : 0;
    auto beside_notes = left > notes_width_wanted + gap ? left - notes_width_wanted - gap : 0;
    bar_width_ = std::clamp(std::min(left / 2, beside_notes), bar_width_min, bar_width_max);
    notes_width_ = left > bar_width_ + gap ? left - bar_width_ - gap : 0;
  }

  void paint(std::string_view colour, std::string_view text) {
    if (options_.colour && !text.empty()) {
      out_ += colour;
      out_ += text;
      out_ += reset;
    } else {
      out_ += text;
    }
  }

  void draw_header() {
    auto id = run_from_bytes(found_.trace());
    paint(bold, "trace " + to_hex(id.hi, id.lo));
    out_ += '\n';
    std::string line = duration_text(end_.value_or(0) - begin_.value_or(0)) + ", "
                       + count_of(rows_.size(), "span") + " of " + count_of(nodes_.size(), "node");
    std::string listed;
    for (const auto& [node, index] : nodes_)
      listed += (listed.empty() ? ": " : ", ") + node;
    out_ += fitted(line + listed, width_) + '\n';
    if (found_.silent_size() > 0) {
      std::string silent = "No answer from ";
      for (int i = 0; i < found_.silent_size(); ++i)
        silent += (i == 0 ? "" : ", ") + found_.silent(i);
      paint(red, fitted(silent + ": spans made there are missing", width_));
      out_ += '\n';
    }
    if (std::ranges::any_of(rows_, &trace_row::orphan))
      out_ += fitted("? marks a span whose parent is missing", width_) + '\n';
    out_ += '\n';
  }

  void draw_row(const trace_row& row) {
    constexpr std::size_t name_room_min = 8; // at any depth, so much of the name is visible
    const auto& span = *row.span;
    auto mark = mark_of(row);
    auto name = title_of(span);
    auto room = std::min({columns_of(name) + mark.size(), name_room_min, name_width_});
    auto title = std::string(std::min<std::size_t>(2 * row.depth, name_width_ - room), ' ');
    title += mark;
    title += fitted(name, name_width_ - columns_of(title));
    paint(span.failed() ? red : std::string_view{}, padded(std::move(title), name_width_));
    out_.append(gap, ' ');
    paint(dim, padded(fitted(span.node_name(), node_width_), node_width_));
    out_.append(gap, ' ');
    draw_bar(span);
    out_.append(gap, ' ');
    out_ += right_aligned(duration_text(end_of(span) - span.start_ns()), duration_width);
    auto notes = fitted(notes_of(span), notes_width_);
    if (!notes.empty()) {
      out_.append(gap, ' ');
      paint(span.failed() ? red : dim, notes);
    }
    out_ += '\n';
  }

  void draw_bar(const SpanData& span) {
    static constexpr std::string_view node_colours[] = {"\x1b[36m", "\x1b[35m", "\x1b[33m",
                                                        "\x1b[34m", "\x1b[32m"};
    auto total = static_cast<double>(std::max<std::int64_t>(1, *end_ - *begin_));
    auto column = [&](std::int64_t ns) {
      return static_cast<double>(ns - *begin_) / total * static_cast<double>(bar_width_);
    };
    auto from = column(span.start_ns()), to = column(end_of(span));
    auto first = std::min(static_cast<std::size_t>(from), bar_width_ - 1);
    auto last = std::min(static_cast<std::size_t>(std::lround(to)), bar_width_);
    std::string bar;
    if (to - from < 0.5)
      bar = "▏";
    else
      for (auto i = first; i < std::max(last, first + 1); ++i)
        bar += "█";
    auto used = first + columns_of(bar);
    out_.append(first, ' ');
    auto node = nodes_.find(span.node_name());
    auto colour = node == nodes_.end() ? dim : node_colours[node->second % std::size(node_colours)];
    paint(span.failed() ? red : colour, bar);
    out_.append(bar_width_ - used, ' ');
  }

  const TraceFound& found_;
  const trace_view_options& options_;
  std::size_t width_;
  std::vector<trace_row> rows_;
  std::optional<std::int64_t> begin_, end_;
  std::map<std::string, std::size_t> nodes_; ///< each with its number, in the order of appearance
  std::size_t name_width_ = 0, node_width_ = 0, bar_width_ = 0, notes_width_ = 0;
  std::string out_;
};

} // namespace

std::string duration_text(std::int64_t ns) {
  auto three_digits = [](double amount, const char* unit) {
    char text[48];
    int decimals = amount >= 99.95 ? 0 : amount >= 9.995 ? 1 : 2;
    std::snprintf(text, sizeof text, "%.*f %s", decimals, amount, unit);
    return std::string{text};
  };
  auto amount = static_cast<double>(ns);
  if (ns < 1'000)
    return std::to_string(ns) + " ns";
  if (amount < 999.5e3)
    return three_digits(amount / 1e3, "µs");
  if (amount < 999.5e6)
    return three_digits(amount / 1e6, "ms");
  if (amount < 59.95e9)
    return three_digits(amount / 1e9, "s");
  auto seconds = (ns + 500'000'000) / 1'000'000'000;
  return std::to_string(seconds / 60) + "m " + std::to_string(seconds % 60) + "s";
}

std::string render_trace(const TraceFound& found, const trace_view_options& options) {
  return waterfall{found, options}.draw();
}

} // namespace troupe::cli
