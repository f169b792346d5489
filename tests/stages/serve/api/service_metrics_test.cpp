#include <gtest/gtest.h>
#include <manual_clock.hpp>

#include <verge/stages/serve/api/service_metrics.hpp>

namespace verge::serve::api {
namespace {

End end_of(double ttft_s, double decode_s, int64_t tokens) {
  End end;
  end.usage = {.prompt_tokens = 10, .cached_tokens = 0, .answer_tokens = tokens};
  end.timings.time_to_first_token_s = ttft_s;
  end.timings.decode_s = decode_s;
  return end;
}

TEST(RecentValues, QuantilesAreOfTheWindow) {
  RecentValues values(60);
  EXPECT_EQ(values.percentiles(0).count, 0);
  for (int i = 0; i <= 100; ++i) values.add(i, 0);
  const Percentiles all = values.percentiles(1);
  EXPECT_EQ(all.p50, 50);
  EXPECT_EQ(all.p90, 90);
  EXPECT_EQ(all.p99, 99);
  EXPECT_EQ(all.count, 101);
  values.add(7, 30);
  EXPECT_EQ(values.percentiles(61).count, 1);
  EXPECT_EQ(values.percentiles(61).p99, 7);
}

TEST(RecentValues, MemoryIsBounded) {
  RecentValues values(60);
  for (size_t i = 0; i < RecentValues::kMost + 10; ++i) values.add(static_cast<double>(i), 0);
  EXPECT_EQ(values.percentiles(0).count, static_cast<int64_t>(RecentValues::kMost));
}

TEST(ServiceMetrics, RoutesAreFew) {
  EXPECT_EQ(route_label("/v1/models/a/b"), "/v1/models/{id}");
  EXPECT_EQ(route_label("/v1/completions"), "/v1/completions");
  for (const char* path : {"/x", "", "/v1/completionsx", "/assets/a.js"}) {
    EXPECT_EQ(route_label(path), "other") << path;
  }
}

TEST(ServiceMetrics, CountsWhatEnded) {
  telemetry::MetricsRegistry registry;
  const test::ManualClock clock;
  ServiceMetrics metrics(registry, clock);
  metrics.on_answer("/v1/completions", 200);
  metrics.on_end("m", end_of(0.5, 2, 5));
  metrics.on_end("m", end_of(0.25, 0, 0));
  End split = end_of(0.5, 2, 5);
  split.usage.places = {{"exit1", 3}, {"cloud", 2}};
  metrics.on_end("edge", split);
  const std::string text = metrics.text({}, 4096);
  for (const char* line :
       {"verge_requests_total{route=\"/v1/completions\",status=\"200\"} 1",
        "verge_prompt_tokens_total{model=\"m\"} 20", "verge_generated_tokens_total{model=\"m\"} 5",
        "verge_time_to_first_token_seconds_count{model=\"m\"} 1",
        "verge_time_per_output_token_seconds_sum{model=\"m\"} 0.5",
        "verge_split_tokens_total{model=\"edge\",place=\"exit1\"} 3",
        "verge_process_resident_bytes 4096"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << " in\n" << text;
  }
  EXPECT_EQ(text.find("verge_split_tokens_total{model=\"m\""), std::string::npos);
  EXPECT_EQ(metrics.latencies("m").ttft.p50, 0.5);
  EXPECT_EQ(metrics.latencies("m").tpot.p50, 0.5);
  EXPECT_EQ(metrics.latencies("other").ttft.count, 0);
}

TEST(ServiceMetrics, TheSchedulersCountersAreCountedOnce) {
  telemetry::MetricsRegistry registry;
  const test::ManualClock clock;
  ServiceMetrics metrics(registry, clock);
  Snapshot snapshot;
  ModelSnapshot model;
  model.name = "m";
  model.state = LoadState::Ready;
  model.prefill_tokens = 100;
  model.pages_total = 10;
  model.pages_free = 3;
  model.pages_cached = 2;
  model.spilled_bytes = 4096;
  model.draft_tokens = 40;
  model.accepted_tokens = 30;
  snapshot.models = {model};
  snapshot.refused = 2;
  metrics.text(snapshot, 0);
  snapshot.models[0].prefill_tokens = 150;
  snapshot.models[0].prefix_hits = 3;
  snapshot.refused = 5;
  snapshot.failed = 1;
  const std::string text = metrics.text(snapshot, 0);
  for (const char* line :
       {"verge_prefill_tokens_total{model=\"m\"} 150", "verge_prefix_hits_total{model=\"m\"} 3",
        "verge_draft_tokens_total{model=\"m\"} 40", "verge_accepted_tokens_total{model=\"m\"} 30",
        "verge_spilled_bytes{model=\"m\"} 4096", "verge_refused_requests_total 5",
        "verge_failed_requests_total 1", "verge_kv_pages{model=\"m\",state=\"used\"} 5",
        "verge_kv_pages{model=\"m\",state=\"free\"} 3", "verge_model_loaded{model=\"m\"} 1",
        "verge_model_loads_total{model=\"m\"} 1"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << " in\n" << text;
  }
}

}  // namespace
}  // namespace verge::serve::api
