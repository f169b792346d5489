#pragma once
// `verge quantize NET.onnx OUT.onnx`: a network of 8-bit levels, calibrated on samples.

#include <string>
#include <vector>

#include <verge/cli/command.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/picture_options.hpp>

namespace verge::cli {

struct NetworkQuantizeOptions {
  std::string in, out;
  std::vector<std::string> calibrate, evaluate, keep;
  std::string method = "percentile";
  double percentile = 99.99, least_sqnr = 10;
  int64_t samples = 200;
  uint64_t seed = 1;
  std::string image_size, resize, filter, channels, settings;
  std::vector<double> mean, deviation;
  double crop = 0, scale = 0;

  void declare(Parser& parser);
  /// The first of these options that was given, or "".
  std::string given() const;
};

Status quantize_network(const NetworkQuantizeOptions& options, const ThreadOptions& threads,
                        Context& context);

}  // namespace verge::cli
