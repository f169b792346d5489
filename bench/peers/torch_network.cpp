#include "torch_network.hpp"

#include <cstring>
#include <fstream>
#include <stdexcept>

#include <onnx/onnx_pb.h>

namespace {

torch::Tensor read(const onnx::TensorProto& tensor) {
  const std::vector<int64_t> dims(tensor.dims().begin(), tensor.dims().end());
  if (tensor.data_type() == onnx::TensorProto::FLOAT) {
    torch::Tensor value = torch::empty(dims);
    if (tensor.raw_data().size() != static_cast<size_t>(value.numel()) * sizeof(float)) {
      throw std::invalid_argument(tensor.name() + " is not stored as raw data");
    }
    std::memcpy(value.data_ptr<float>(), tensor.raw_data().data(), tensor.raw_data().size());
    return value;
  }
  return {};
}

std::vector<int64_t> list(const onnx::NodeProto& node, const std::string& name,
                          std::vector<int64_t> usual) {
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.name() == name) return {attribute.ints().begin(), attribute.ints().end()};
  }
  return usual;
}

int64_t integer(const onnx::NodeProto& node, const std::string& name, int64_t usual) {
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.name() == name) return attribute.i();
  }
  return usual;
}

void require(bool is_so, const onnx::NodeProto& node, const std::string& attribute) {
  if (!is_so) throw std::invalid_argument(node.op_type() + " with such " + attribute);
}

constexpr double kEpsilon = 1e-5;  // ONNX's default

}  // namespace

TorchNetwork::TorchNetwork(const std::string& path) : model_(new onnx::ModelProto) {
  std::ifstream file(path, std::ios::binary);
  if (!model_->ParseFromIstream(&file)) throw std::runtime_error(path + " is missing or no ONNX");
  for (const onnx::TensorProto& tensor : model_->graph().initializer()) {
    weights_[tensor.name()] = read(tensor);
  }
  for (const onnx::NodeProto& node : model_->graph().node()) {
    for (const std::string& name : node.input()) ++readers_[name];
    const std::string& op = node.op_type();
    const int trained = op == "Conv" || op == "Gemm" ? node.input_size() - 1
                        : op == "BatchNormalization" ? 2
                                                     : 0;
    for (int i = 1; i <= trained; ++i) weights_.at(node.input(i)).set_requires_grad(true);
  }
}

TorchNetwork::~TorchNetwork() = default;

std::vector<int64_t> TorchNetwork::image(int64_t side) const {
  std::vector<int64_t> dims;
  for (const auto& dim : model_->graph().input(0).type().tensor_type().shape().dim()) {
    dims.push_back(dim.has_dim_value() ? dim.dim_value() : side);
  }
  return {dims.begin() + 1, dims.end()};
}

std::vector<torch::Tensor> TorchNetwork::parameters() const {
  std::vector<torch::Tensor> all;
  for (const auto& [name, value] : weights_) {
    if (value.defined() && value.is_leaf() && value.requires_grad()) all.push_back(value);
  }
  return all;
}

// A value is dropped with its last reader, as a module's local variables are.
torch::Tensor TorchNetwork::logits(const torch::Tensor& x) const {
  std::map<std::string, torch::Tensor> values = {{model_->graph().input(0).name(), x}};
  std::map<std::string, int> left = readers_;
  torch::Tensor last;
  for (const onnx::NodeProto& node : model_->graph().node()) {
    std::vector<torch::Tensor> in;
    for (const std::string& name : node.input()) {
      const auto value = values.find(name);
      in.push_back(value != values.end() ? value->second : weights_.at(name));
    }
    last = result(node, in);
    in.clear();
    for (const std::string& name : node.input()) {
      if (--left[name] == 0) values.erase(name);
    }
    values[node.output(0)] = last;
  }
  return last;
}

torch::Tensor TorchNetwork::result(const onnx::NodeProto& node,
                                   const std::vector<torch::Tensor>& in) const {
  const std::string& op = node.op_type();
  const auto pads = list(node, "pads", {0, 0, 0, 0});
  require(pads.size() == 4 && pads[0] == pads[2] && pads[1] == pads[3], node, "pads");
  const std::vector<int64_t> padding{pads[0], pads[1]};
  if (op == "Conv") {
    return torch::conv2d(in[0], in[1], in.size() > 2 ? in[2] : torch::Tensor(),
                         list(node, "strides", {1, 1}), padding, list(node, "dilations", {1, 1}),
                         integer(node, "group", 1));
  }
  if (op == "BatchNormalization") {
    return torch::batch_norm(in[0], in[1], in[2], in[3], in[4], false, 0.1, kEpsilon, false);
  }
  if (op == "Relu") return torch::relu(in[0]);
  if (op == "Clip") return torch::clamp(in[0], in[1].item<float>(), in[2].item<float>());
  if (op == "MaxPool") {
    require(integer(node, "ceil_mode", 0) == 0, node, "ceil_mode");
    return torch::max_pool2d(in[0], list(node, "kernel_shape", {}), list(node, "strides", {1, 1}),
                             padding);
  }
  if (op == "GlobalAveragePool") return in[0].mean({2, 3}, true);
  if (op == "Flatten") return in[0].flatten(integer(node, "axis", 1));
  if (op == "Gemm") {
    require(integer(node, "transB", 0) == 1, node, "transB");
    return torch::linear(in[0], in[1], in[2]);
  }
  if (op == "Add") return in[0] + in[1];
  throw std::invalid_argument("no operator " + op);
}
