#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include <verge/stages/serve/api/service_metrics.hpp>

namespace verge::serve::api {
namespace {

constexpr std::array<std::string_view, 21> kRoutes = {"/",
                                                      "/v1/models",
                                                      "/v1/chat/completions",
                                                      "/v1/completions",
                                                      "/v1/embeddings",
                                                      "/v1/context",
                                                      "/api/generate",
                                                      "/api/chat",
                                                      "/api/tags",
                                                      "/api/show",
                                                      "/api/ps",
                                                      "/api/version",
                                                      "/api/embed",
                                                      "/api/embeddings",
                                                      "/health",
                                                      "/metrics",
                                                      "/verge/live",
                                                      "/verge/tokenize",
                                                      "/verge/models/load",
                                                      "/verge/models/unload",
                                                      "/api/pull"};

double quantile(const std::vector<double>& sorted, double q) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<size_t>(std::lround(q * last))];
}

// 1 ms to 65 s for first tokens, 0.5 ms to 4 s for each further one.
std::vector<double> first_token_bounds() {
  return telemetry::exponential_bounds(0.001, 2, 17);
}
std::vector<double> further_token_bounds() {
  return telemetry::exponential_bounds(0.0005, 2, 14);
}

}  // namespace

void RecentValues::drop_old(double now_s) {
  while (!entries_.empty() && entries_.front().at_s < now_s - window_s_) entries_.pop_front();
}

void RecentValues::add(double value, double now_s) {
  drop_old(now_s);
  if (entries_.size() == kMost) entries_.pop_front();
  entries_.push_back({now_s, value});
}

Percentiles RecentValues::percentiles(double now_s) {
  drop_old(now_s);
  if (entries_.empty()) return {};
  std::vector<double> values;
  for (const Entry& entry : entries_) values.push_back(entry.value);
  std::ranges::sort(values);
  return {quantile(values, 0.5), quantile(values, 0.9), quantile(values, 0.99),
          static_cast<int64_t>(values.size())};
}

std::string_view route_label(std::string_view path) {
  for (const std::string_view route : kRoutes) {
    if (route == path) return route;
  }
  if (path.starts_with("/v1/models/")) return "/v1/models/{id}";
  return "other";
}

ServiceMetrics::ServiceMetrics(telemetry::MetricsRegistry& registry, const Clock& clock)
    : registry_(registry), clock_(clock) {}

void ServiceMetrics::on_answer(std::string_view path, int status) {
  registry_
      .counter("verge_requests_total", "HTTP answers by route and status.",
               {{"route", std::string(route_label(path))}, {"status", std::to_string(status)}})
      .add();
}

void ServiceMetrics::on_end(const std::string& model, const End& end) {
  const telemetry::Labels labels = {{"model", model}};
  registry_.counter("verge_prompt_tokens_total", "Tokens of prompts, cached ones included.", labels)
      .add(static_cast<double>(end.usage.prompt_tokens));
  registry_.counter("verge_generated_tokens_total", "Tokens of answers.", labels)
      .add(static_cast<double>(end.usage.answer_tokens));
  for (const auto& [place, count] : end.usage.places) {
    registry_
        .counter("verge_split_tokens_total",
                 "Tokens of a split model's answers by where they were made.",
                 {{"model", model}, {"place", std::string(place)}})
        .add(static_cast<double>(count));
  }
  if (end.usage.answer_tokens < 1) return;
  const double ttft = end.timings.time_to_first_token_s;
  const double tpot = end.timings.time_per_output_token_s(end.usage.answer_tokens);
  registry_
      .histogram("verge_time_to_first_token_seconds", "From a request to its first token.",
                 first_token_bounds(), labels)
      .observe(ttft);
  registry_
      .histogram("verge_queue_seconds", "From a request to its first step.", first_token_bounds(),
                 labels)
      .observe(end.timings.queued_s);
  const std::lock_guard lock(mutex_);
  const double now_s = clock_.seconds();
  ttft_[model].add(ttft, now_s);
  if (end.usage.answer_tokens < 2) return;
  registry_
      .histogram("verge_time_per_output_token_seconds",
                 "Mean time of each token after the first, of one answer.", further_token_bounds(),
                 labels)
      .observe(tpot);
  tpot_[model].add(tpot, now_s);
}

// A counter of the scheduler's: what it has grown by since `before`.
template <typename T>
void ServiceMetrics::count(const char* name, const char* help, const telemetry::Labels& labels,
                           T now, T& before) {
  registry_.counter(name, help, labels).add(static_cast<double>(now - before));
  before = now;
}

void ServiceMetrics::update(const ModelSnapshot& model) {
  const telemetry::Labels labels = {{"model", model.name}};
  const auto gauge = [&](const char* name, const char* help, int64_t value) {
    registry_.gauge(name, help, labels).set(static_cast<double>(value));
  };
  gauge("verge_waiting_requests", "Requests without KV pages.", model.waiting);
  gauge("verge_running_requests", "Requests in the batch.", model.running);
  gauge("verge_preempted_requests", "Requests put aside for lack of pages.", model.preempted);
  gauge("verge_spilled_bytes", "Cache content of requests put aside.", model.spilled_bytes);
  gauge("verge_batch_size", "Sequences in the last step.",
        model.batch_sizes.empty() ? 0 : model.batch_sizes.back());
  gauge("verge_model_loaded", "1 while the model is in memory.", model.state == LoadState::Ready);
  gauge("verge_model_memory_bytes", "Planned memory: weights, cache and activations.",
        model.state == LoadState::Ready ? model.need_bytes : 0);
  const auto pages = [&](const char* state, int64_t value) {
    registry_
        .gauge("verge_kv_pages", "Pages of the KV cache by state.",
               {{"model", model.name}, {"state", state}})
        .set(static_cast<double>(value));
  };
  pages("free", model.pages_free);
  pages("cached", model.pages_cached);
  pages("used", model.pages_total - model.pages_free - model.pages_cached);
  Seen& seen = seen_[model.name];
  const bool is_new = model.state == LoadState::Ready && seen.state != LoadState::Ready;
  registry_.counter("verge_model_loads_total", "Times a model was brought into memory.", labels)
      .add(is_new ? 1 : 0);
  seen.state = model.state;
  const auto count = [&](const char* name, const char* help, int64_t now, int64_t& before) {
    this->count(name, help, labels, now, before);
  };
  count("verge_prefill_tokens_total", "Prompt tokens computed.", model.prefill_tokens,
        seen.prefill);
  count("verge_decode_tokens_total", "Tokens drawn.", model.decode_tokens, seen.decode);
  count("verge_draft_tokens_total", "Tokens guessed ahead.", model.draft_tokens, seen.drafts);
  count("verge_accepted_tokens_total", "Of the tokens guessed ahead, those drawn.",
        model.accepted_tokens, seen.accepted);
  count("verge_prefix_hits_total", "Requests that found a part of their prompt computed.",
        model.prefix_hits, seen.hits);
  count("verge_prefix_hit_tokens_total", "Prompt tokens found computed.", model.cached_tokens,
        seen.cached);
  count("verge_preemptions_total", "Times a sequence was put aside.", model.preemptions,
        seen.preemptions);
  update_stream(model, seen);
}

void ServiceMetrics::update_stream(const ModelSnapshot& model, Seen& seen) {
  const telemetry::Labels labels = {{"model", model.name}};
  registry_
      .gauge("verge_model_streamed_bytes", "Weights that each step reads from storage.", labels)
      .set(static_cast<double>(model.streamed_bytes));
  count("verge_stream_read_bytes_total", "Weights read from storage by steps.", labels,
        model.stream_read_bytes, seen.stream_read);
  count("verge_stream_wait_seconds_total", "Time that steps waited for weights.", labels,
        model.stream_wait_s, seen.stream_wait_s);
}

void ServiceMetrics::watch(const Snapshot& snapshot) {
  const std::lock_guard lock(mutex_);
  for (const ModelSnapshot& model : snapshot.models) update(model);
  count("verge_refused_requests_total", "Requests that were not taken.", {}, snapshot.refused,
        refused_);
  count("verge_failed_requests_total", "Requests that ended with an error.", {}, snapshot.failed,
        failed_);
}

std::string ServiceMetrics::text(const Snapshot& snapshot, int64_t rss_bytes) {
  watch(snapshot);
  registry_.gauge("verge_process_resident_bytes", "Resident memory of the process.")
      .set(static_cast<double>(rss_bytes));
  return registry_.text();
}

Latencies ServiceMetrics::latencies(const std::string& model) {
  const std::lock_guard lock(mutex_);
  const double now_s = clock_.seconds();
  return {ttft_[model].percentiles(now_s), tpot_[model].percentiles(now_s)};
}

}  // namespace verge::serve::api
