#pragma once
// quantize_network: an ONNX network's weights and activations as 8-bit levels, without training
// (Jacob et al. 2018; Nagel et al., "A White Paper on Neural Network Quantization", 2021).
//
//   VERGE_TRY(const auto report, quantize_network(file, "int8.onnx", samples, {}, options, pool,
//                                                 clock));

#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <verge/core/clock.hpp>
#include <verge/core/tensor.hpp>
#include <verge/core/threads.hpp>
#include <verge/engine/format/onnx/reader.hpp>
#include <verge/stages/fit/calibration/ranges.hpp>

namespace verge::fit {

/// What a network is given once.
struct NetworkSample {
  std::vector<std::pair<std::string, Tensor>> inputs = {};
  int64_t label = -1;  // the class that it shows; -1: nobody said
};

struct SampleSet {
  int64_t count = 0;
  std::function<Result<NetworkSample>(int64_t index)> get = {};
};

struct CalibrationProgress {
  std::string_view step;  // "ranges", "histograms", "compare"
  int64_t done = 0, all = 0;
};

struct NetworkQuantization {
  CalibrationMethod method = CalibrationMethod::Percentile;
  double percentile = 99.99;           // of Percentile
  std::vector<std::string> keep = {};  // layers that stay floats, by node or output
  double least_sqnr = 10;              // dB: layers below stay floats as well
  const std::atomic<bool>* cancel = nullptr;
  std::function<void(const CalibrationProgress&)> on_progress = {};
};

struct LayerQuality {
  std::string name, op;
  double weight_sqnr = 0, input_sqnr = 0;  // dB
  double sqnr = 0;                         // of both: noise powers added
  bool is_kept = false;                    // as floats, for its SQNR
};

/// Both networks on the samples to compare by.
struct Comparison {
  int64_t samples = 0, labelled = 0;
  double output_sqnr = 0;                    // dB, of all values of the first output
  double agreement = 0;                      // share of samples with the same largest value
  double accuracy = 0, accuracy_before = 0;  // of the labelled
  double seconds = 0, seconds_before = 0;    // a sample, the median
};

struct NetworkReport {
  int64_t source_bytes = 0, bytes = 0;
  int64_t calibrated = 0;  // samples
  std::vector<LayerQuality> layers = {};
  Comparison comparison = {};
  double seconds = 0;
};

/// Calibrates by `calibration` and writes `out`, then runs both networks on `evaluation`, or
/// without any on the calibration's. Fails with InvalidArgument for no sample and names in `keep`
/// that are none, Unsupported for a network without a layer to quantize, with outputs of as many
/// rows as there are boxes, or whose file would have more than 2 GiB, as import_onnx does, and with
/// Cancelled.
Result<NetworkReport> quantize_network(const format::onnx::Onnx& file, const std::string& out,
                                       const SampleSet& calibration, const SampleSet& evaluation,
                                       const NetworkQuantization& options, ThreadPool& pool,
                                       const Clock& clock);

}  // namespace verge::fit
