// Traces of every kind of column, hostile ones, and the measured ones of the shared data.

#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include <verge/platform/net/link/link_trace.hpp>

#include "shared_data.hpp"
#include "temporary_folder.hpp"

namespace verge::net {
namespace {

Result<std::vector<LinkTrace>> read_traces(std::string_view text) {
  return parse_link_traces(text, "t.csv");
}

void expect_step(const LinkStep& step, double time_s, double bandwidth_bps, double delay_s) {
  EXPECT_NEAR(step.time_s, time_s, 1e-9);
  EXPECT_NEAR(step.bandwidth_bps, bandwidth_bps, 1e-6);
  EXPECT_NEAR(step.delay_s, delay_s, 1e-12);
}

TEST(LinkTrace, OwnFilesAreRead) {
  const auto traces =
      read_traces("time_s,bandwidth_bps,delay_s\n0,8e6,0.02\n1.5,0,0.02\r\n2,1000,0.1\n\n");
  ASSERT_TRUE(traces) << traces.error().message;
  ASSERT_EQ(traces->size(), 1u);
  const LinkTrace& trace = traces->front();
  EXPECT_EQ(trace.name, "");
  ASSERT_EQ(trace.steps.size(), 3u);
  expect_step(trace.steps[0], 0, 8e6, 0.02);
  expect_step(trace.steps[1], 1.5, 0, 0.02);
  expect_step(trace.steps[2], 2, 1000, 0.1);
  EXPECT_DOUBLE_EQ(trace.period_s, 2.5);  // the last as long as the one before it
  EXPECT_TRUE(check_trace(trace));
}

TEST(LinkTrace, OneTimeIsForEver) {
  const auto traces = read_traces("bandwidth_kbps,time_s\n100,0");
  ASSERT_TRUE(traces);
  EXPECT_TRUE(std::isinf(traces->front().period_s));
  expect_step(traces->front().steps[0], 0, 1e5, 0);
}

TEST(LinkTrace, TimesThatLieCloseStillHaveAPeriod) {
  const auto traces = read_traces("time_s,bandwidth_bps\n0,1\n0.99999999999999989,1\n1,1\n");
  ASSERT_TRUE(traces);
  EXPECT_TRUE(check_trace(traces->front()));
}

TEST(LinkTrace, FilesOfSeveralTracesAreRead) {
  const auto traces = read_traces(
      "trace,step,duration_ms,bandwidth_kbps,latency_ms\n"
      "bus,0,1000,100,20\nbus,1,500,0,30\ntrain,0,250,7,40\n");
  ASSERT_TRUE(traces) << traces.error().message;
  ASSERT_EQ(traces->size(), 2u);
  EXPECT_EQ((*traces)[0].name, "bus");
  expect_step((*traces)[0].steps[1], 1, 0, 0.03);
  EXPECT_DOUBLE_EQ((*traces)[0].period_s, 1.5);
  expect_step((*traces)[1].steps[0], 0, 7000, 0.04);
  EXPECT_DOUBLE_EQ((*traces)[1].period_s, 0.25);
}

TEST(LinkTrace, OneIsChosenByName) {
  const test::TemporaryFolder folder;
  const std::string path =
      folder.add("t.csv", "trace,duration_ms,bandwidth_kbps\na,1,1\nb,1,2\nc,1,3\n");
  const auto chosen = read_link_trace(path, "b");
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->steps[0].bandwidth_bps, 2000);
  for (const char* name : {"", "d"}) {
    const auto none = read_link_trace(path, name);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Code::NotFound);
    EXPECT_NE(none.error().message.find("a, b, c"), std::string::npos) << none.error().message;
  }
  EXPECT_TRUE(read_link_trace(folder.add("one.csv", "duration_ms,bandwidth_kbps\n1,1\n"), ""));
  EXPECT_EQ(read_link_trace(folder / "absent.csv", "").error().code, Code::NotFound);
}

TEST(LinkTrace, HostileFilesAreRefusedWithLineAndColumn) {
  struct Case {
    std::string text;
    const char* part;
  };
  const std::string head = "time_s,bandwidth_bps,delay_s\n";
  const Case cases[] = {
      {"\n", "line 1, column 1: \"\" is no column"},
      {"time_s,speed\n0,1\n", "line 1, column 2: \"speed\" is no column"},
      {"time_s\n0\n", "bandwidth_bps or bandwidth_kbps is needed"},
      {"bandwidth_bps\n0\n", "either time_s or duration_ms"},
      {"time_s,duration_ms,bandwidth_bps\n", "either time_s or duration_ms"},
      {"time_s,bandwidth_bps,bandwidth_kbps\n", "line 1, column 3: bandwidth_kbps says again"},
      {"trace,step,duration_ms,bandwidth_kbps", "nothing follows"},
      {head, "nothing follows"},
      {head + "0,1\n", "line 2, column 2: the line ends or goes on here; it needs 3"},
      {head + "0,1,0,5\n", "line 2, column 4: the line ends or goes on here"},
      {head + "0,1,0\n\n1,1,0\n", "line 3, column 1"},
      {head + "0,x,0\n", "line 2, column 2: bandwidth_bps is \"x\", which is no number"},
      {head + "0,1 ,0\n", "line 2, column 2"},
      {head + "0,,0\n", "line 2, column 2: bandwidth_bps is \"\""},
      {head + "0,-1,0\n", "line 2, column 2"},
      {head + "0,nan,0\n", "line 2, column 2"},
      {head + "0,1,inf\n", "line 2, column 3"},
      {head + "0,1e15,0\n", "line 2, column 2"},
      {head + "0,1e999,0\n", "line 2, column 2"},
      {head + "0,\x1b[2J,0\n", "bandwidth_bps is \"?[2J\""},
      {head + "1,1,0\n", "line 2, column 1: a trace begins at 0 s, not at 1 s"},
      {head + "0,1,0\n2,1,0\n2,1,0\n", "line 4, column 1: time does not go on here, at 2 s"},
      {"duration_ms,bandwidth_kbps\n1,1\n0,1\n", "line 3, column 1: time does not go on"},
      {"bandwidth_kbps,duration_ms\n1,1e14\n1,1e-9\n", "line 3, column 2: time does not go on"},
      {head + std::string(100000, ','), "line 2, column 4"},
  };
  for (const Case& it : cases) {
    const auto traces = read_traces(it.text);
    ASSERT_FALSE(traces) << it.part;
    EXPECT_EQ(traces.error().code, Code::Malformed);
    EXPECT_NE(traces.error().message.find(it.part), std::string::npos)
        << traces.error().message << "\nshould say " << it.part;
    EXPECT_NE(traces.error().message.find("t.csv: line "), std::string::npos);
    EXPECT_LT(traces.error().message.size(), 300u);
  }
}

TEST(LinkTrace, ImpossibleTracesAreRefused) {
  EXPECT_TRUE(check_trace(constant_link(0, 0)));
  EXPECT_FALSE(check_trace(constant_link(-1, 0)));
  EXPECT_FALSE(check_trace(constant_link(1, NAN)));
  EXPECT_FALSE(check_trace(LinkTrace{}));
  EXPECT_FALSE(check_trace({.name = "", .steps = {{1, 1, 0}}}));
  EXPECT_FALSE(check_trace({.name = "", .steps = {{0, 1, 0}, {0, 1, 0}}}));
  EXPECT_FALSE(check_trace({.name = "", .steps = {{0, 1, 0}, {2, 1, 0}}, .period_s = 2}));
}

double mean_bandwidth(const LinkTrace& trace) {
  double bits = 0;
  for (size_t i = 0; i < trace.steps.size(); ++i) {
    const double end = i + 1 < trace.steps.size() ? trace.steps[i + 1].time_s : trace.period_s;
    bits += (end - trace.steps[i].time_s) * trace.steps[i].bandwidth_bps;
  }
  return bits / trace.period_s;
}

// As its description says: four 3G traces with means of 0.3 to 2.3 Mbit/s and 100 ms, four 4G with
// 23 to 42 Mbit/s and 20 ms; two of them contain outages.
TEST(LinkTrace, MeasuredMobileTraces) {
  const std::string path = test::shared_data("ce-collm/mobile_network_traces.csv");
  if (path.empty()) GTEST_SKIP() << "no shared data: ce-collm/mobile_network_traces.csv";
  const auto traces = read_link_traces(path);
  ASSERT_TRUE(traces) << traces.error().message;
  ASSERT_EQ(traces->size(), 8u);
  int with_outages = 0;
  for (const LinkTrace& trace : *traces) {
    const bool is_3g = trace.name.starts_with("3G");
    EXPECT_TRUE(check_trace(trace));
    EXPECT_GT(mean_bandwidth(trace), is_3g ? 0.25e6 : 22e6) << trace.name;
    EXPECT_LT(mean_bandwidth(trace), is_3g ? 2.4e6 : 43e6) << trace.name;
    bool has_outage = false;
    for (const LinkStep& step : trace.steps) {
      EXPECT_NEAR(step.delay_s, is_3g ? 0.1 : 0.02, 1e-12);
      has_outage |= step.bandwidth_bps == 0;
    }
    with_outages += has_outage ? 1 : 0;
  }
  EXPECT_EQ(with_outages, 2);
  EXPECT_TRUE(read_link_trace(path, "4G_report_bus_0001"));
}

TEST(LinkTrace, OtherMeasuredTraces) {
  if (test::shared_data("network-traces").empty()) {
    GTEST_SKIP() << "no shared data: network-traces";
  }
  for (const char* name : {"hsdpa_3g.csv", "lte_4g.csv", "fixed_hd.csv", "fixed_sd.csv"}) {
    const auto traces = read_link_traces(test::shared_data(std::string("network-traces/") + name));
    ASSERT_TRUE(traces) << traces.error().message;
    EXPECT_GT(traces->size(), 20u) << name;
    for (const LinkTrace& trace : *traces) {
      ASSERT_TRUE(check_trace(trace)) << name << " " << trace.name;
      EXPECT_LT(mean_bandwidth(trace), 62e6) << name << " " << trace.name;
      EXPECT_GT(mean_bandwidth(trace), 5e4) << name << " " << trace.name;
    }
  }
}

}  // namespace
}  // namespace verge::net
