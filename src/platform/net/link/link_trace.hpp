#pragma once
// LinkTrace: what a link gives over time, as steps; read from CSV files.
//
//   VERGE_TRY(LinkTrace trace, read_link_trace("mobile.csv", "4G_report_bus_0001"));
//
// A file's first line names its columns, in any order:
//   time_s | duration_ms             when a step begins (the first at 0), or how long it lasts
//   bandwidth_bps | bandwidth_kbps   in bits/s or thousands of them; 0 is an outage
//   delay_s | latency_ms             one way; may be absent, then 0
//   trace                            its name, where a file holds several, each in consecutive rows
//   step                             passed over
// Where steps have only times, the last one lasts as long as the one before it. A trace of several
// steps begins again at its end; one of a single time lasts for ever.

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::net {

struct LinkStep {
  double time_s = 0;         // from the beginning of the trace
  double bandwidth_bps = 0;  // bits per second
  double delay_s = 0;        // of propagation, one way
};

struct LinkTrace {
  std::string name;
  std::vector<LinkStep> steps;  // the first at 0, each later than the one before
  /// When it begins again.
  double period_s = std::numeric_limits<double>::infinity();
};

/// A link that never changes.
LinkTrace constant_link(double bandwidth_bps, double delay_s);

/// InvalidArgument unless a trace is as LinkTrace says, with finite numbers that are not negative
/// and below 1e15.
Status check_trace(const LinkTrace& trace);

/// All traces of a file's text, in its order; each passes check_trace(). Malformed, naming `path`,
/// line and column, for anything else.
Result<std::vector<LinkTrace>> parse_link_traces(std::string_view text, const std::string& path);

/// The same of a file. NotFound, Io; Unsupported for more than 256 MiB.
Result<std::vector<LinkTrace>> read_link_traces(const std::string& path);

/// One of them by its name, or the only one for "". NotFound names those that are there.
Result<LinkTrace> read_link_trace(const std::string& path, const std::string& name);

}  // namespace verge::net
