#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/ranges.h>

#include <verge/core/file.hpp>
#include <verge/platform/net/link/link_trace.hpp>
#include <verge/platform/net/printable.hpp>

namespace verge::net {
namespace {

constexpr double kMostOfAnything = 1e15;
constexpr size_t kMostFileBytes = size_t{256} << 20;
constexpr size_t kMostColumns = 8;

enum class Meaning { Time, Duration, Bandwidth, Delay, Name, Nothing };

struct Column {
  std::string_view name;
  Meaning meaning;
  double scale;  // to seconds and bits per second
};
constexpr Column kColumns[] = {
    {"time_s", Meaning::Time, 1},
    {"duration_ms", Meaning::Duration, 1e-3},
    {"bandwidth_bps", Meaning::Bandwidth, 1},
    {"bandwidth_kbps", Meaning::Bandwidth, 1e3},
    {"delay_s", Meaning::Delay, 1},
    {"latency_ms", Meaning::Delay, 1e-3},
    {"trace", Meaning::Name, 0},
    {"step", Meaning::Nothing, 0},
};

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const size_t comma = line.find(',');
    fields.push_back(line.substr(0, comma));
    // Enough to say that they are too many.
    if (comma == std::string_view::npos || fields.size() > kMostColumns) return fields;
    line.remove_prefix(comma + 1);
  }
}

class TraceReader {
 public:
  TraceReader(const std::string& path, std::string_view text) : path_(path), rest_(text) {}

  Result<std::vector<LinkTrace>> read() {
    VERGE_RETURN_IF_ERROR(read_header());
    while (!rest_.empty()) {
      const std::string_view line = next_line();
      if (line.empty() && rest_.empty()) break;
      VERGE_RETURN_IF_ERROR(read_row(fields_of(line)));
    }
    if (traces_.empty()) return at(1, "nothing follows; a trace has a step at least");
    finish_trace();
    return std::move(traces_);
  }

 private:
  // A step as its row tells it.
  struct Row {
    std::string_view name;
    std::optional<double> time_s;
    double duration_s = 0;
    double bandwidth_bps = 0;
    double delay_s = 0;
  };

  std::string_view next_line() {
    const size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++line_;
    return line;
  }

  Error at(size_t column, std::string_view what) const {
    return make_error(Code::Malformed, "{}: line {}, column {}: {}", path_, line_, column, what);
  }

  Status read_header() {
    for (const std::string_view name : fields_of(next_line())) {
      const auto* const known = std::ranges::find(kColumns, name, &Column::name);
      if (known == std::end(kColumns)) {
        std::vector<std::string_view> names;
        for (const Column& column : kColumns) names.push_back(column.name);
        return at(columns_.size() + 1,
                  fmt::format("\"{}\" is no column of a link trace; those known are {}",
                              printable(name), fmt::join(names, ", ")));
      }
      if (has(known->meaning)) {
        return at(columns_.size() + 1, fmt::format("{} says again what another column says", name));
      }
      columns_.push_back(known);
    }
    if (has(Meaning::Time) == has(Meaning::Duration)) {
      return at(1, "either time_s or duration_ms is needed");
    }
    if (!has(Meaning::Bandwidth)) {
      return at(1, "bandwidth_bps or bandwidth_kbps is needed");
    }
    return {};
  }

  bool has(Meaning meaning) const {
    for (const Column* column : columns_) {
      if (column->meaning == meaning) return true;
    }
    return false;
  }

  // In seconds or bits per second.
  Result<double> number(size_t column, std::string_view field) const {
    double value = 0;
    const char* const end = field.data() + field.size();
    const auto [stop, error] = std::from_chars(field.data(), end, value);
    value *= columns_[column]->scale;
    if (error == std::errc() && stop == end && value >= 0 && value < kMostOfAnything) return value;
    return at(column + 1, fmt::format("{} is \"{}\", which is no number from 0 to 1e15 of its unit",
                                      columns_[column]->name, printable(field)));
  }

  Status read_row(const std::vector<std::string_view>& fields) {
    if (fields.size() != columns_.size()) {
      return at(std::min(fields.size(), columns_.size() + 1),
                fmt::format("the line ends or goes on here; it needs {} fields", columns_.size()));
    }
    Row row;
    size_t time_column = 0;
    for (size_t i = 0; i < fields.size(); ++i) {
      const Column& column = *columns_[i];
      if (column.meaning == Meaning::Nothing) continue;
      if (column.meaning == Meaning::Name) {
        row.name = fields[i];
        continue;
      }
      VERGE_TRY(const double value, number(i, fields[i]));
      if (column.meaning == Meaning::Bandwidth) row.bandwidth_bps = value;
      if (column.meaning == Meaning::Delay) row.delay_s = value;
      if (column.meaning == Meaning::Duration) row.duration_s = value;
      if (column.meaning == Meaning::Time) row.time_s = value;
      if (column.meaning == Meaning::Duration || column.meaning == Meaning::Time) time_column = i;
    }
    return add(row, time_column + 1);
  }

  Status add(const Row& row, size_t time_column) {
    if (traces_.empty() || row.name != traces_.back().name) {
      if (!traces_.empty()) finish_trace();
      traces_.push_back({.name = std::string(row.name), .steps = {}});
      end_s_ = 0;
    }
    std::vector<LinkStep>& steps = traces_.back().steps;
    const double time_s = row.time_s.value_or(end_s_);
    if (steps.empty() && time_s != 0) {
      return at(time_column, fmt::format("a trace begins at 0 s, not at {} s", time_s));
    }
    end_s_ = time_s + row.duration_s;
    const bool goes_on = steps.empty() || time_s > steps.back().time_s;
    if (!goes_on || (!row.time_s && !(end_s_ > time_s)) || end_s_ >= kMostOfAnything) {
      return at(time_column, fmt::format("time does not go on here, at {} s", time_s));
    }
    steps.push_back({time_s, row.bandwidth_bps, row.delay_s});
    return {};
  }

  void finish_trace() {
    LinkTrace& trace = traces_.back();
    const size_t count = trace.steps.size();
    if (has(Meaning::Duration)) {
      trace.period_s = end_s_;
    } else if (count > 1) {
      const double last_s = trace.steps[count - 1].time_s;
      const double lasts_s = last_s - trace.steps[count - 2].time_s;
      // Two times can lie so close that the sum is rounded away.
      trace.period_s = std::max(last_s + lasts_s, std::nextafter(last_s, kMostOfAnything));
    }
  }

  const std::string& path_;
  std::string_view rest_;
  int64_t line_ = 0;
  double end_s_ = 0;
  std::vector<const Column*> columns_;
  std::vector<LinkTrace> traces_;
};

Status check_number(std::string_view what, double value) {
  if (value >= 0 && value < kMostOfAnything) return {};
  return make_error(Code::InvalidArgument, "link trace: {} is {}; it lies between 0 and 1e15", what,
                    value);
}

}  // namespace

LinkTrace constant_link(double bandwidth_bps, double delay_s) {
  return {.name = "constant", .steps = {{0, bandwidth_bps, delay_s}}};
}

Status check_trace(const LinkTrace& trace) {
  double last_s = -1;
  for (const LinkStep& step : trace.steps) {
    VERGE_RETURN_IF_ERROR(check_number("a time", step.time_s));
    VERGE_RETURN_IF_ERROR(check_number("a bandwidth", step.bandwidth_bps));
    VERGE_RETURN_IF_ERROR(check_number("a delay", step.delay_s));
    if (step.time_s <= last_s || (last_s < 0 && step.time_s != 0)) {
      return make_error(Code::InvalidArgument,
                        "link trace: a step is at {} s; the first is at 0, others later than the "
                        "one before",
                        step.time_s);
    }
    last_s = step.time_s;
  }
  if (trace.steps.empty() || !(trace.period_s > last_s)) {
    return make_error(Code::InvalidArgument,
                      "link trace: {} steps and a period of {} s; it has one step at least, and "
                      "begins again after the last",
                      trace.steps.size(), trace.period_s);
  }
  return {};
}

Result<std::vector<LinkTrace>> parse_link_traces(std::string_view text, const std::string& path) {
  return TraceReader(path, text).read();
}

Result<std::vector<LinkTrace>> read_link_traces(const std::string& path) {
  VERGE_TRY(const std::string text, read_whole_file(path, kMostFileBytes));
  return parse_link_traces(text, path);
}

Result<LinkTrace> read_link_trace(const std::string& path, const std::string& name) {
  VERGE_TRY(std::vector<LinkTrace> traces, read_link_traces(path));
  if (name.empty() && traces.size() == 1) return std::move(traces.front());
  std::vector<std::string> names;
  for (LinkTrace& trace : traces) {
    if (!name.empty() && trace.name == name) return std::move(trace);
    if (names.size() < 20) names.push_back(printable(trace.name));
  }
  return make_error(Code::NotFound, "{}: {} of its {} traces; give the name of one: {}{}", path,
                    name.empty() ? "no name was given" : printable(name) + " is none",
                    traces.size(), fmt::join(names, ", "),
                    names.size() < traces.size() ? ", ..." : "");
}

}  // namespace verge::net
