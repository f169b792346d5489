#include "torch_cnn.hpp"

#include <fstream>
#include <stdexcept>

namespace {

torch::Tensor read(std::ifstream& file, const std::vector<int64_t>& size) {
  torch::Tensor tensor = torch::empty(size);
  file.read(reinterpret_cast<char*>(tensor.data_ptr<float>()),
            tensor.numel() * static_cast<int64_t>(sizeof(float)));
  if (!file) throw std::runtime_error("the file of weights or images is missing or too short");
  return tensor;
}

}  // namespace

double cnn_gradients(const CnnShape& shape, const std::string& weights, const std::string& images,
                     const std::vector<int32_t>& labels, const std::string& out) {
  std::ifstream weight_file(weights, std::ios::binary), image_file(images, std::ios::binary);
  std::vector<torch::Tensor> parameters;
  const auto next = [&](const std::vector<int64_t>& size) {
    parameters.push_back(read(weight_file, size).set_requires_grad(true));
    return parameters.back();
  };
  torch::Tensor x = read(
      image_file, {static_cast<int64_t>(labels.size()), shape.channels, shape.height, shape.width});
  int64_t in = shape.channels;
  for (size_t stage = 0; stage < shape.stages.size(); ++stage) {
    if (stage > 0) x = torch::max_pool2d(x, {2, 2}, {2, 2});
    for (const int64_t channels : shape.stages[stage]) {
      x = torch::conv2d(x, next({channels, in, 3, 3}), {}, 1, 1);
      const torch::Tensor weight = next({channels}), bias = next({channels});
      x = torch::relu(torch::batch_norm(x, weight, bias, {}, {}, true, 0.1, 1e-5, false));
      in = channels;
    }
  }
  x = x.mean({2, 3});
  const torch::Tensor head = next({shape.classes, in}), bias = next({shape.classes});
  const torch::Tensor loss =
      torch::cross_entropy_loss(torch::linear(x, head, bias), torch::tensor(labels, torch::kInt64));
  loss.backward();
  std::ofstream file(out, std::ios::binary);
  for (const torch::Tensor& parameter : parameters) {
    const torch::Tensor gradient = parameter.grad().contiguous();
    file.write(reinterpret_cast<const char*>(gradient.data_ptr<float>()),
               gradient.numel() * static_cast<int64_t>(sizeof(float)));
  }
  if (!file.flush()) throw std::runtime_error(out + " cannot be written");
  return loss.item<double>();
}
