#pragma once
// Snapshot: the scheduler as /metrics and the live page show it. Counters only grow.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <verge/stages/serve/scheduler/request.hpp>

namespace verge::serve {

enum class LoadState { Unloaded, Loading, Ready, Failed };
std::string_view name(LoadState state);

struct ModelSnapshot {
  std::string name = {};
  LoadState state = LoadState::Unloaded;
  int64_t need_bytes = 0;         // weights, cache and activations; 0 until first looked at
  int64_t streamed_bytes = 0;     // of weights that each step reads from storage
  int64_t stream_read_bytes = 0;  // counter, of this load
  double stream_read_s = 0;       // counter: while some were being read
  double stream_wait_s = 0;       // counter: that steps waited for them
  int64_t running = 0;            // in the batch
  int64_t waiting = 0;
  int64_t preempted = 0;                  // put aside for lack of pages, to be resumed
  std::vector<int32_t> batch_sizes = {};  // sequences of the last steps, newest last
  int64_t steps = 0;                      // counter
  int64_t layer_tokens = 0;               // counter: layers times rows of all runs, by the engine
  double engine_s = 0;                    // counter: that runs took
  int64_t prefill_tokens = 0;             // counter
  int64_t decode_tokens = 0;              // counter
  int64_t draft_tokens = 0;               // counter: guessed ahead
  int64_t accepted_tokens = 0;            // counter: of them, tokens of answers
  int64_t prefix_hits = 0;                // counter: requests that found a part computed
  int64_t cached_tokens = 0;              // counter: prompt tokens found computed
  int64_t preemptions = 0;                // counter
  int64_t pages_total = 0;
  int64_t pages_free = 0;
  int64_t pages_cached = 0;  // in no running sequence, kept for their prefix
  int64_t page_tokens = 0;
  int64_t spilled_bytes = 0;  // now
};

struct TenantSnapshot {
  int64_t waiting = 0;
  int64_t running = 0;
  int64_t prefill_tokens = 0;  // counter
  int64_t decode_tokens = 0;   // counter
};

struct Snapshot {
  std::vector<ModelSnapshot> models = {};
  std::map<std::string, TenantSnapshot> tenants;  // those seen since the start
  int64_t submitted = 0;                          // counter
  int64_t refused = 0;                            // counter
  int64_t finished = 0;                           // counter
  int64_t failed = 0;                             // counter
};

/// Told of every finished request, on the engine's thread: inputs of TTFT and TPOT histograms.
using EndObserver = std::function<void(const Request& request, const End& end)>;

}  // namespace verge::serve
