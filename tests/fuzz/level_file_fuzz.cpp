// Any bytes as the file of a classifier of 8-bit levels: a file that reads has a well-formed graph
// at any batch; tiny ones are compiled and run, on random pictures.

#include <cstdint>
#include <cstdlib>

#include <verge/core/rng.hpp>
#include <verge/engine/graph/graph_cost.hpp>
#include <verge/engine/model/classifier.hpp>

namespace {

using namespace verge;

constexpr int64_t kMostElements = 1 << 16;
constexpr double kMostWork = 1e6;

bool is_tiny(const graph::Graph& graph) {
  int64_t elements = 0;
  for (const graph::Value& value : graph.values) {
    elements += graph.bound_shape(value.type).count();
    if (elements > kMostElements) return false;
  }
  return graph::cost_of(graph).flops <= kMostWork;
}

void run(const model::Classifier& classifier) {
  static ThreadPool pool(1);
  const auto made = classifier.compile(2, pool, {.canaries = true});
  if (!made) return;
  const nn::CnnConfig& config = classifier.network().config;
  const TensorView& images = made->plan->input("images");
  if (images.shape != Shape{2, config.channels, config.height, config.width}) std::abort();
  Rng rng(1);
  for (float& value : images.span<float>()) value = rng.normal();
  made->plan->run(std::span<const int64_t>{});
  const auto* logits = made->plan->output("logits").as<float>();
  volatile float sum = 0;
  for (int64_t i = 0; i < 2 * config.classes; ++i) sum = sum + logits[i];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto file = format::Safetensors::parse(std::as_bytes(std::span(data, size)));
  if (!file || !model::is_level_file(*file)) return 0;
  const auto classifier = model::Classifier::of(std::move(*file), "fuzzed");
  if (!classifier) return classifier.error().message.empty() ? -1 : 0;
  const auto graph = classifier->graph(2);
  if (!graph) return 0;
  if (!graph::verify(*graph)) std::abort();
  if (is_tiny(*graph)) run(*classifier);
  return 0;
}
