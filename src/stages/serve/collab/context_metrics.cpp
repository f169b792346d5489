#include <verge/stages/serve/collab/context_metrics.hpp>

namespace verge::serve {
namespace {

std::vector<double> second_bounds() {  // 0.5 ms to 16 s
  return telemetry::exponential_bounds(0.0005, 2, 16);
}

}  // namespace

ContextMetrics::ContextMetrics(telemetry::MetricsRegistry& registry, const std::string& model)
    : registry_(registry), labels_{{"model", model}} {
  update({});
}

ContextHistograms ContextMetrics::histograms() const {
  return {.step_sessions =
              registry_.histogram("verge_collab_step_sessions", "Sessions of devices in one step.",
                                  telemetry::exponential_bounds(1, 2, 9), labels_),
          .finish_s = registry_.histogram("verge_collab_finish_seconds",
                                          "From a device's question to its answer.",
                                          second_bounds(), labels_),
          .queue_s = registry_.histogram("verge_queue_seconds", "From a request to its first step.",
                                         second_bounds(), labels_)};
}

void ContextMetrics::gauge(const char* name, const char* help, int64_t value) {
  registry_.gauge(name, help, labels_).set(static_cast<double>(value));
}

void ContextMetrics::count(const char* name, const char* help, double now, double before) {
  registry_.counter(name, help, labels_).add(now - before);
}

void ContextMetrics::pages(const char* state, int64_t value) {
  telemetry::Labels labels = labels_;
  labels.emplace_back("state", state);
  registry_.gauge("verge_kv_pages", "Pages of the KV cache by state.", labels)
      .set(static_cast<double>(value));
}

void ContextMetrics::update(const ContextSnapshot& now) {
  gauge("verge_waiting_requests", "Questions of devices that wait for their answer.", now.waiting);
  gauge("verge_batch_size", "Sequences in the last step.", now.batch);
  gauge("verge_collab_sessions", "Sessions of devices.", now.sessions);
  gauge("verge_collab_contexts", "Of the sessions, those with pages of the KV cache.",
        now.contexts);
  gauge("verge_collab_states_bytes", "Hidden states of sessions in memory.", now.states_bytes);
  gauge("verge_spilled_bytes", "Files of hidden states put aside.", now.spilled_bytes);
  pages("used", now.kv_pages);
  pages("free", now.kv_pages_total - now.kv_pages);
  const auto counted = [&](const char* name, const char* help, int64_t ContextSnapshot::*value) {
    count(name, help, static_cast<double>(now.*value), static_cast<double>(seen_.*value));
  };
  counted("verge_collab_tokens_total", "Answers to devices.", &ContextSnapshot::tokens);
  counted("verge_collab_steps_total", "Runs of the model.", &ContextSnapshot::steps);
  counted("verge_collab_layer_tokens_total", "Layers times positions that were computed.",
          &ContextSnapshot::layer_tokens);
  counted("verge_collab_evictions_total", "Times a session lost its pages to others.",
          &ContextSnapshot::evictions);
  counted("verge_collab_nacks_total", "Times a device was asked for states again.",
          &ContextSnapshot::nacks);
  counted("verge_collab_resumes_total", "Of these, for all states of a session.",
          &ContextSnapshot::resumes);
  counted("verge_collab_restored_total", "Times states came back from files.",
          &ContextSnapshot::restored);
  counted("verge_collab_shed_total", "Times a session lost all for lack of memory.",
          &ContextSnapshot::shed);
  counted("verge_collab_busy_total", "Questions that were not taken.", &ContextSnapshot::busy);
  counted("verge_collab_late_total",
          "Questions whose deadline passed: the device went on by itself.", &ContextSnapshot::late);
  count("verge_collab_engine_seconds_total", "Time in runs of the model.", now.engine_s,
        seen_.engine_s);
  seen_ = now;
}

}  // namespace verge::serve
