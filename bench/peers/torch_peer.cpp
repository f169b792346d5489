// torch_peer: PyTorch's C++ library, for gradients to check against and training steps to compare
// with. Each command prints one JSON object. Exit status 0, 1 (failed) or 2 (wrong use).

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "options.hpp"
#include "process.hpp"
#include "torch_cnn.hpp"
#include "torch_lm.hpp"
#include "torch_network.hpp"

namespace {

using nlohmann::json;

constexpr const char* kUsage =
    "torch_peer COMMAND, one of\n"
    "  gemm [--size N]                       f32 matrix product, GFLOP/s\n"
    "  train SHAPE [--batch B] [--tokens T] [--repeat R] [--lora R]    a step with AdamW, f32\n"
    "  layout SHAPE                          the parameters' names, shapes and offsets\n"
    "  gradients SHAPE --tokens 1,2,3 --out FILE [--weights FILE]\n"
    "                                        raw f32 in the order of `layout`; without --weights\n"
    "                                        random ones, written to FILE.weights\n"
    "  cnn --stages 4,4:8 --channels C --height H --width W --classes N --labels 1,2,3\n"
    "      --weights FILE --images FILE --out FILE          loss and gradients of a classifier\n"
    "  network FILE.onnx [--batch B] [--side S] [--repeat R]   a step of a classifier with SGD, "
    "f32\n"
    "SHAPE: stories-7m, stories-15m, stories-110m or custom, then [--d-model --layers --heads "
    "--kv-heads --ffn\n"
    "--vocab N] [--neox]; and [--threads T] [--seed S]\n";

constexpr double kLeastGemmGflops =
    100;  // on two threads; less means that the BLAS is the slow one

LmShape shape_of(const Options& options) {
  LmShape shape;  // stories-7m
  const std::string& name = options.word(1);
  if (name == "stories-15m") {
    shape.d_model = 288;
    shape.heads = shape.kv_heads = 6;
    shape.ffn = 768;
    shape.vocab = 32000;
  } else if (name == "stories-110m") {
    shape.d_model = 768;
    shape.layers = shape.heads = shape.kv_heads = 12;
    shape.ffn = 2048;
    shape.vocab = 32000;
  } else if (name != "stories-7m" && name != "custom") {
    throw std::invalid_argument("no shape " + name);
  }
  shape.d_model = options.number("--d-model", shape.d_model);
  shape.layers = options.number("--layers", shape.layers);
  shape.heads = options.number("--heads", shape.heads);
  shape.kv_heads = options.number("--kv-heads", shape.kv_heads);
  shape.ffn = options.number("--ffn", shape.ffn);
  shape.vocab = options.number("--vocab", shape.vocab);
  shape.lora_rank = options.number("--lora", 0);
  shape.interleaved = !options.has("--neox");
  return shape;
}

/// The BLAS that is mapped into this process, by the name of its file.
std::string blas_library() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t path = line.find('/');
    if (path == std::string::npos) continue;
    const std::string file = std::filesystem::path(line.substr(path)).filename();
    if (file.find("blas") != std::string::npos) return line.substr(path);
  }
  return "none";
}

double gemm_gflops(int size) {
  const torch::Tensor a = torch::randn({size, size});
  const torch::Tensor b = torch::randn({size, size});
  torch::matmul(a, b);
  std::vector<double> rates;
  for (int i = 0; i < 9; ++i) {
    const int64_t start = now_ns();
    torch::matmul(a, b);
    rates.push_back(2e-6 * size * size * size / ms_since(start));
  }
  return median(rates);
}

json environment(const Options& options) {
  return {{"peer", std::string("PyTorch ") + TORCH_VERSION},
          {"threads", options.number("--threads", 2)},
          {"blas", blas_library()},
          {"gemm_gflops", gemm_gflops(1024)},
          {"build", torch::show_config()}};
}

json gemm(const Options& options) {
  json result = environment(options);
  result["gemm_gflops"] = gemm_gflops(options.number("--size", 1024));
  return result;
}

json measured_environment(const Options& options) {
  json result = environment(options);
  const double rate = result["gemm_gflops"];
  const double least = kLeastGemmGflops / 2 * options.number("--threads", 2);
  if (rate < least) {
    throw std::runtime_error("PyTorch multiplies at " + std::to_string(rate) + " GFLOP/s by " +
                             blas_library() + ": no comparison below " + std::to_string(least) +
                             "; install libopenblas0-pthread, and let the machine be quiet");
  }
  return result;
}

json train(const Options& options) {
  json result = measured_environment(options);
  const LmShape shape = shape_of(options);
  const int batch = options.number("--batch", 4), tokens = options.number("--tokens", 256);
  TorchLm model(shape, options.number("--seed", 1));
  const std::vector<torch::Tensor> values = model.trainable();
  torch::optim::AdamW optimizer(values, torch::optim::AdamWOptions(1e-3));
  int64_t learning = 0;
  for (const torch::Tensor& value : values) learning += value.numel();

  const torch::Tensor text = torch::randint(shape.vocab, {batch, tokens + 1}, torch::kInt64);
  const torch::Tensor inputs = text.slice(1, 0, tokens).contiguous();
  const torch::Tensor targets = text.slice(1, 1, tokens + 1).contiguous();
  const int64_t before = status_bytes("VmRSS");
  std::vector<double> steps, losses;
  const int warm_up = 2;
  for (int i = 0; i < warm_up + options.number("--repeat", 7); ++i) {
    const int64_t start = now_ns();
    optimizer.zero_grad();
    const torch::Tensor loss = model.loss(inputs, targets);
    loss.backward();
    optimizer.step();
    if (i >= warm_up) steps.push_back(ms_since(start));
    losses.push_back(loss.item<float>());
  }
  result["parameters"] = model.parameter_count();
  result["learning"] = learning;
  result["batch"] = batch;
  result["tokens"] = tokens;
  result["step_ms"] = median(steps);
  result["least_step_ms"] = *std::min_element(steps.begin(), steps.end());
  result["step_bytes"] = status_bytes("VmHWM") - before;
  result["tokens_per_s"] = batch * tokens / median(steps) * 1e3;
  result["losses"] = losses;
  result["peak_rss_bytes"] = status_bytes("VmHWM");
  return result;
}

json layout_of(TorchLm& model) {
  json entries = json::array();
  int64_t offset = 0;
  for (const NamedParameter& parameter : model.parameters()) {
    entries.push_back(
        {{"name", parameter.name}, {"shape", parameter.value.sizes().vec()}, {"offset", offset}});
    offset += parameter.value.numel() * static_cast<int64_t>(sizeof(float));
  }
  return {{"parameters", entries}, {"bytes", offset}};
}

json layout(const Options& options) {
  TorchLm model(shape_of(options), 1);
  return layout_of(model);
}

void read_weights(TorchLm& model, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  torch::NoGradGuard no_gradient;
  for (NamedParameter& parameter : model.parameters()) {
    file.read(reinterpret_cast<char*>(parameter.value.data_ptr<float>()),
              parameter.value.numel() * static_cast<int64_t>(sizeof(float)));
  }
  if (!file) throw std::runtime_error(path + " is missing or shorter than `layout` says");
}

void write_tensors(TorchLm& model, const std::string& path, bool gradients) {
  std::ofstream file(path, std::ios::binary);
  for (const NamedParameter& parameter : model.parameters()) {
    const torch::Tensor value = (gradients ? parameter.value.grad() : parameter.value).contiguous();
    file.write(reinterpret_cast<const char*>(value.data_ptr<float>()),
               value.numel() * static_cast<int64_t>(sizeof(float)));
  }
  if (!file.flush()) throw std::runtime_error(path + " cannot be written");
}

json gradients(const Options& options) {
  TorchLm model(shape_of(options), options.number("--seed", 1));
  const std::string out = options.text("--out", "gradients.f32");
  if (options.has("--weights")) {
    read_weights(model, options.text("--weights", ""));
  } else {
    write_tensors(model, out + ".weights", false);
  }
  const std::vector<int32_t> tokens = options.numbers("--tokens");
  if (tokens.size() < 2) throw std::invalid_argument("--tokens needs two or more");
  const torch::Tensor text = torch::tensor(tokens, torch::kInt64).unsqueeze(0);
  const int64_t count = text.size(1) - 1;
  const torch::Tensor loss =
      model.loss(text.slice(1, 0, count).contiguous(), text.slice(1, 1).contiguous());
  loss.backward();
  write_tensors(model, out, true);
  json result = layout_of(model);
  result["loss"] = loss.item<float>();
  return result;
}

json cnn(const Options& options) {
  CnnShape shape;
  shape.channels = options.number("--channels", shape.channels);
  shape.height = options.number("--height", shape.height);
  shape.width = options.number("--width", shape.width);
  shape.classes = options.number("--classes", shape.classes);
  std::istringstream stages(options.text("--stages", "16"));
  for (std::string stage; std::getline(stages, stage, ':');) {
    std::istringstream channels(stage);
    shape.stages.emplace_back();
    for (std::string word; std::getline(channels, word, ',');) {
      shape.stages.back().push_back(std::stoll(word));
    }
  }
  return {
      {"loss", cnn_gradients(shape, options.text("--weights", ""), options.text("--images", ""),
                             options.numbers("--labels"), options.text("--out", "gradients.f32"))}};
}

// Memory is what the steps add to the process with its libraries and the network: its peak less
// what was resident before.
json network(const Options& options) {
  json result = measured_environment(options);
  TorchNetwork network(options.word(1));
  const auto parameters = network.parameters();
  std::vector<int64_t> dims = network.image(options.number("--side", 224));
  dims.insert(dims.begin(), options.number("--batch", 1));
  const torch::Tensor x = torch::randn(dims);
  const int64_t classes = network.logits(x).size(1);
  const torch::Tensor labels = torch::randint(classes, {dims[0]}, torch::kInt64);
  torch::optim::SGD optimizer(parameters, torch::optim::SGDOptions(1e-4));
  const int64_t before = status_bytes("VmRSS");
  std::vector<double> steps;
  constexpr int kWarmUp = 2;
  for (int i = 0; i < kWarmUp + options.number("--repeat", 5); ++i) {
    const int64_t start = now_ns();
    optimizer.zero_grad();
    torch::cross_entropy_loss(network.logits(x), labels).backward();
    optimizer.step();
    if (i >= kWarmUp) steps.push_back(ms_since(start));
  }
  result["step_ms"] = *std::min_element(steps.begin(), steps.end());
  result["step_bytes"] = status_bytes("VmHWM") - before;
  return result;
}

json run(const Options& options) {
  at::set_num_threads(options.number("--threads", 2));
  const std::string& command = options.word(0);
  if (command == "gemm") return gemm(options);
  if (command == "train") return train(options);
  if (command == "layout") return layout(options);
  if (command == "gradients") return gradients(options);
  if (command == "cnn") return cnn(options);
  if (command == "network") return network(options);
  throw std::invalid_argument("no command " + command);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options(argc, argv, {"--neox"});
    // Read by the libraries before main, so the program executes itself again. PyTorch's OpenMP
    // threads would spin against OpenBLAS's own: sleeping between, they make a step twice as fast.
    setenv("OMP_WAIT_POLICY", "passive", 1);
    setenv("OPENBLAS_NUM_THREADS", options.text("--threads", "2").c_str(), 1);
    time_of_exec_ns(argv);
    std::cout << run(options).dump(2) << "\n";
    return 0;
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "%s\n%s", error.what(), kUsage);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
