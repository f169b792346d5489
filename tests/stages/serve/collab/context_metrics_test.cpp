#include <exposition.hpp>

#include <verge/stages/serve/collab/context_metrics.hpp>

#include "context_harness.hpp"

namespace verge::serve {
namespace {

using namespace test_collab;

class ContextMetricsTest : public ManagerFixture {
 protected:
  test::Exposition scrape() {
    metrics_.update(snapshot());
    auto read = test::Exposition::parse(registry_.text());
    EXPECT_EQ(read.error(), "");
    return read;
  }
  double value(const char* name, std::map<std::string, std::string> labels = {}) {
    labels["model"] = "m";
    return scrape().value(name, labels).value_or(-1);
  }

  telemetry::MetricsRegistry registry_;
  ContextMetrics metrics_{registry_, "m"};
};

TEST_F(ContextMetricsTest, TellWhatTheManagerDid) {
  start({.fills_prompts = false, .histograms = metrics_.histograms()}, 64);  // two pages
  EXPECT_EQ(value("verge_collab_sessions"), 0);
  EXPECT_EQ(value("verge_kv_pages", {{"state", "free"}}), 2);
  const auto one = device("1"), two = device("2"), three = device("3");
  for (RawDevice* each : {&*one, &*two}) each->send_states(0, 14);
  one->finish(13);
  two->finish(13);
  EXPECT_EQ(answer(*one), expected_after(13));
  EXPECT_EQ(answer(*two), expected_after(13));
  EXPECT_EQ(value("verge_collab_step_sessions_count"), 2);
  EXPECT_EQ(value("verge_collab_step_sessions_sum"), 4);  // the prompts, then what follows
  EXPECT_EQ(value("verge_batch_size"), 2);
  EXPECT_EQ(value("verge_kv_pages", {{"state", "used"}}), 2);
  three->send_states(0, 14);
  three->finish(13, 5);
  EXPECT_EQ(answer(*three), expected_after(13));
  one->finish(14, 5);
  EXPECT_TRUE(one->hear<ResumeMessage>(*manager_).has_value());
  EXPECT_EQ(value("verge_waiting_requests"), 1);
  clock_.advance(6);
  EXPECT_EQ(value("verge_waiting_requests"), 0);
  EXPECT_EQ(value("verge_collab_late_total"), 1);
  EXPECT_EQ(value("verge_collab_resumes_total"), 1);
  EXPECT_EQ(value("verge_collab_nacks_total"), 1);
  EXPECT_EQ(value("verge_collab_evictions_total"), 1);
  EXPECT_EQ(value("verge_collab_sessions"), 3);
  EXPECT_EQ(value("verge_collab_contexts"), 2);
  EXPECT_EQ(value("verge_collab_tokens_total"), 3);
  EXPECT_EQ(value("verge_collab_finish_seconds_count"), 3);
  EXPECT_EQ(value("verge_queue_seconds_count"), 3);
  EXPECT_EQ(value("verge_collab_layer_tokens_total"), 3 * 14 * kUpperLayers);
}

}  // namespace
}  // namespace verge::serve
