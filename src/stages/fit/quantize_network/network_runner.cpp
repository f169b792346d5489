#include <verge/engine/format/onnx/writer.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/stages/fit/quantize_network/network_runner.hpp>

namespace verge::fit {
namespace {

// Two networks may select other boxes, and other numbers of them: there is nothing to compare.
Status expect_fixed_rows(std::span<const onnx::Port> outputs) {
  for (const onnx::Port& port : outputs) {
    if (port.rows.count.empty()) continue;
    return make_error(Code::Unsupported,
                      "output \"{}\" has as many rows as NonMaxSuppression selects; export the "
                      "network without it to quantize it",
                      port.name);
  }
  return {};
}

}  // namespace

Result<NetworkRunner> NetworkRunner::of(const format::onnx::ModelData& model, ThreadPool& pool) {
  NetworkRunner runner(pool);
  runner.bytes_ = std::make_unique<std::string>();
  VERGE_RETURN_IF_ERROR(format::onnx::write_onnx_to(model, [&](std::span<const std::byte> portion) {
    runner.bytes_->append(reinterpret_cast<const char*>(portion.data()), portion.size());
    return Status();
  }));
  VERGE_TRY(auto file, format::onnx::Onnx::parse(std::as_bytes(std::span(*runner.bytes_))));
  runner.file_ = std::make_unique<format::onnx::Onnx>(std::move(file));
  return runner;
}

Result<std::vector<Tensor>> NetworkRunner::run(const NetworkSample& sample) {
  std::vector<Shape> shapes;
  for (const auto& [name, tensor] : sample.inputs) shapes.push_back(tensor.shape());
  if (network_ == nullptr || shapes != shapes_) {
    std::vector<onnx::InputBinding> bindings;
    for (const auto& [name, tensor] : sample.inputs) {
      std::optional<double> value;
      if (tensor.shape().count() == 1 && tensor.dtype() != DType::F32) {
        value = graph::load(tensor.view())[0];
      }
      bindings.push_back({name, tensor.shape(), value});
    }
    VERGE_TRY(auto network, model::OnnxNetwork::compile(*file_, bindings, *pool_));
    VERGE_RETURN_IF_ERROR(expect_fixed_rows(network.outputs()));
    network_ = std::make_unique<model::OnnxNetwork>(std::move(network));
    shapes_ = shapes;
  }
  for (const auto& [name, tensor] : sample.inputs) {
    VERGE_RETURN_IF_ERROR(network_->set_input(name, tensor.view()));
  }
  network_->run();
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < network_->outputs().size(); ++i) {
    Tensor output = network_->output(i);
    if (output.dtype() != DType::F32) {
      Tensor floats(DType::F32, output.shape());
      graph::store(floats.view(), graph::load(output.view()));
      output = std::move(floats);
    }
    outputs.push_back(std::move(output));
  }
  return outputs;
}

}  // namespace verge::fit
