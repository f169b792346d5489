#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/passes/pipeline.hpp>
#include <verge/engine/model/classifier.hpp>
#include <verge/engine/model/level_interface.hpp>

namespace verge::model {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;
using graph::ValueId;
using graph::ValueKind;

// Gives a network of levels real images, which are made levels first.
Graph with_real_images(Graph graph, ValueId levels, const nn::LevelForm& form) {
  Value images;
  images.name = "images";
  images.kind = ValueKind::Input;
  images.type = {DType::F32, graph.value(levels).type.dims};
  graph.value(levels).kind = ValueKind::Activation;
  graph.value(levels).name = "images.levels";
  graph.values.push_back(std::move(images));
  Node quantize;
  quantize.op = graph::find_op("quantize");
  quantize.inputs = {static_cast<ValueId>(graph.values.size() - 1)};
  quantize.outputs = {levels};
  quantize.attrs = {
      {"scale", double{form.scale}}, {"zero_point", int64_t{form.zero}}, {"to", std::string("i8")}};
  quantize.source = "images";
  graph.nodes.insert(graph.nodes.begin(), std::move(quantize));
  return graph;
}

}  // namespace

Result<Classifier> Classifier::open(const std::string& path) {
  VERGE_TRY(auto file, format::Safetensors::open(path));
  return of(std::move(file), path);
}

Result<Classifier> Classifier::of(format::Safetensors file, const std::string& path) {
  Classifier classifier(std::move(file), path);
  if (!is_level_file(classifier.file_)) {
    VERGE_TRY(classifier.network_, read_network(classifier.file_, path));
    return classifier;
  }
  VERGE_TRY(classifier.levels_, read_level_file(classifier.file_, path, 1));
  classifier.network_ = classifier.levels_->network;
  return classifier;
}

Result<Graph> Classifier::graph(int64_t batch) const {
  if (!levels_) {
    VERGE_TRY(Graph graph, nn::build_cnn(network_.config, batch));
    return graph;
  }
  VERGE_TRY(Graph graph, with_batch(levels_->graph, batch));
  const auto images = expect_level_interface(graph, network_.config, batch);
  if (!images) {
    return make_error(images.error().code, "{}: its graph at batch {}: {}", path_, batch,
                      images.error().message);
  }
  for (Value& value : graph.values) value.is_trainable = false;
  return with_real_images(std::move(graph), *images, levels_->input);
}

Result<ClassifierPlan> Classifier::compile(int64_t batch, ThreadPool& pool,
                                           const runtime::PlanOptions& options) const {
  ClassifierPlan made{std::make_unique<runtime::WeightStore>(),
                      std::make_unique<runtime::StateStore>(), nullptr};
  for (const format::StoredTensor& tensor : file_.tensors()) {
    VERGE_TRY(const TensorView view, tensor.view());
    made.weights->add(tensor.name, view, file_.file());
  }
  graph::PipelineOptions pipeline;
  pipeline.parameters = runtime::parameter_values(*made.weights);
  pipeline.node_seconds = graph::estimated_seconds;
  VERGE_TRY(Graph network, graph(batch));
  VERGE_TRY(graph::Optimized optimized, graph::optimize(std::move(network), pipeline));
  VERGE_TRY(runtime::Plan plan, runtime::Plan::compile(std::move(optimized.graph), *made.weights,
                                                       *made.states, pool, options));
  made.plan = std::make_unique<runtime::Plan>(std::move(plan));
  return made;
}

}  // namespace verge::model
