// llama.cpp looks GELU up in a table of half floats: gelu(f16(x)) kept as f16. The graphs of the
// Gemma models, run by the reference kernels in doubles, once as they are and once with such a
// table, against llama.cpp's logits: the table is all that stands between the two.

#include <numeric>

#include <graph_runner.hpp>
#include <gtest/gtest.h>

#include <verge/engine/graph/activation.hpp>
#include <verge/engine/graph/elementwise.hpp>
#include <verge/engine/model/model_graph.hpp>

#include "captured_logits.hpp"
#include "tiny_models.hpp"

namespace verge::model {
namespace {

double tabled_gelu(double x) {
  const float rounded = f16_to_f32(f32_to_f16(static_cast<float>(x)));
  return f16_to_f32(f32_to_f16(static_cast<float>(graph::gelu_of(rounded))));
}

void tabled_reference(const graph::KernelCall& call) {
  graph::map_binary(call, [](double gate, double up) { return tabled_gelu(gate) * up; });
}

// The captured logits of the last of 60 random tokens, by the reference kernels.
std::vector<double> oracle_logits(const std::string& path, const std::vector<int32_t>& tokens,
                                  bool with_table) {
  const auto source = format::ModelSource::open(path);
  graph::Graph graph = model_graph(*source, test::all_logits_options(), GraphUse::Prefill).value();
  for (graph::Node& node : graph.nodes) {
    if (node.op->name != "geglu" || !with_table) continue;
    static graph::OpDef tabled;
    tabled = *node.op;
    tabled.reference = tabled_reference;
    node.op = &tabled;
  }
  const auto count = static_cast<int64_t>(tokens.size());
  support::GraphRunner runner(graph, {count, 1, count});
  for (const format::StoredTensor& tensor : source->tensors()) {
    if (graph.find(tensor.name) == graph::kNone) continue;
    const auto* values = reinterpret_cast<const float*>(tensor.bytes.data());
    runner.set(tensor.name, {values, values + tensor.bytes.size() / sizeof(float)});
  }
  std::vector<double> places(tokens.size());
  std::iota(places.begin(), places.end(), 0.0);
  runner.set("tokens", {tokens.begin(), tokens.end()});
  runner.set("positions", places);
  runner.set("slots", places);
  runner.set("slot_tokens", places);
  runner.set("token_sequence", std::vector<double>(tokens.size(), 0));
  std::vector<double> pages(static_cast<size_t>(runner.tensor("page_table").shape.count()));
  std::iota(pages.begin(), pages.end(), 0.0);
  runner.set("page_table", pages);
  runner.set("output_rows", {static_cast<double>(count - 1)});
  runner.run();
  const std::vector<double> all = runner.get("logits");
  std::vector<double> picked;
  for (size_t i = 0; i < kCapturedLogits; ++i) picked.push_back(all[captured_token(i)]);
  return picked;
}

double error_of(const std::vector<double>& got, const CapturedRow& wanted) {
  double worst = 0, largest = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    worst = std::max(worst, std::abs(got[i] - double{wanted.logits[i]}));
    largest = std::max(largest, std::abs(double{wanted.logits[i]}));
  }
  return worst / largest;
}

TEST(GeluTable, IsWhatSeparatesGemmaFromLlamaCpp) {
  for (const CapturedRow& row : kCapturedFamilies) {
    if (!std::string_view(row.shape).starts_with("tiny-gemma")) continue;
    const test::TemporaryFolder folder;
    const build::RandomModelSpec spec = test::tiny_spec(row.shape);
    const std::string path = test::write_model(folder, spec);
    const std::vector<int32_t> tokens = test::random_tokens(60, spec.vocab);
    const double exact = error_of(oracle_logits(path, tokens, false), row);
    const double tabled = error_of(oracle_logits(path, tokens, true), row);
    RecordProperty(std::string(row.shape) + "_exact", fmt::format("{:.2e}", exact));
    RecordProperty(std::string(row.shape) + "_tabled", fmt::format("{:.2e}", tabled));
    EXPECT_LT(tabled, 5e-5) << row.shape << ", with an exact GELU " << exact;
    EXPECT_GT(exact, 3 * tabled) << row.shape;
  }
}

}  // namespace
}  // namespace verge::model
