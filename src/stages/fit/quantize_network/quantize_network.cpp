#include <algorithm>
#include <cmath>
#include <filesystem>

#include <verge/core/file.hpp>
#include <verge/engine/format/onnx/writer.hpp>
#include <verge/stages/fit/calibration/calibration.hpp>
#include <verge/stages/fit/quantize_network/compare.hpp>
#include <verge/stages/fit/quantize_network/fold_norms.hpp>
#include <verge/stages/fit/quantize_network/network_runner.hpp>
#include <verge/stages/fit/quantize_network/qdq_model.hpp>
#include <verge/stages/fit/quantize_network/quantize_network.hpp>

namespace verge::fit {
namespace {

using format::onnx::ElementType;
using format::onnx::ModelData;

/// The values of the placement as outputs.
ModelData with_outputs(const ModelData& model, const std::vector<std::string>& values) {
  ModelData made = model;
  made.graph.outputs.clear();
  for (const std::string& value : values) {
    made.graph.outputs.push_back({.name = value, .type = ElementType::Float, .is_tensor = true});
  }
  return made;
}

/// Runs a network on samples, and shows its outputs by the group whose scale they share.
class Calibrator {
 public:
  Calibrator(const Placement& placement, const SampleSet& samples,
             const NetworkQuantization& options)
      : placement_(placement), samples_(samples), options_(options) {}

  Result<Calibration> run(const ModelData& model, ThreadPool& pool) const {
    VERGE_TRY(NetworkRunner runner,
              NetworkRunner::of(with_outputs(model, placement_.values), pool));
    Calibration calibration(options_.method, options_.percentile);
    VERGE_RETURN_IF_ERROR(
        each_sample("ranges", runner, [&](const std::string& group, std::span<const float> values) {
          calibration.see(group, values);
        }));
    calibration.start_counting();
    VERGE_RETURN_IF_ERROR(each_sample("histograms", runner,
                                      [&](const std::string& group, std::span<const float> values) {
                                        calibration.count(group, values);
                                      }));
    return calibration;
  }

 private:
  template <typename Take>
  Status each_sample(std::string_view step, NetworkRunner& runner, Take take) const {
    for (int64_t i = 0; i < samples_.count; ++i) {
      if (options_.cancel != nullptr && *options_.cancel) {
        return make_error(Code::Cancelled, "interrupted");
      }
      if (options_.on_progress) options_.on_progress({step, i, samples_.count});
      VERGE_TRY(const NetworkSample sample, samples_.get(i));
      VERGE_TRY(const std::vector<Tensor> outputs, runner.run(sample));
      for (size_t o = 0; o < outputs.size(); ++o) {
        take(placement_.groups.at(placement_.values[o]), outputs[o].span<float>());
      }
    }
    return {};
  }

  const Placement& placement_;
  const SampleSet& samples_;
  const NetworkQuantization& options_;
};

/// Of each value, by that of its group.
std::map<std::string, LevelScale> scales_of(const Placement& placement,
                                            const Calibration& calibration) {
  std::map<std::string, LevelScale> groups, scales;
  for (const auto& [group, range] : calibration.ranges()) groups[group] = scale_of(range);
  for (const std::string& value : placement.values) {
    scales[value] = groups[placement.groups.at(value)];
  }
  return scales;
}

double joined_sqnr(double a, double b) {
  return -10 * std::log10(std::pow(10, -a / 10) + std::pow(10, -b / 10));
}

std::vector<LayerQuality> qualities(const ModelData& model, const Placement& placement,
                                    const Calibration& calibration,
                                    const std::map<std::string, LevelScale>& scales) {
  std::map<std::string_view, const format::onnx::TensorData*> stored;
  for (const auto& tensor : model.graph.initializers) stored[tensor.name] = &tensor;
  std::vector<LayerQuality> layers;
  for (const QuantizedLayer& layer : placement.layers) {
    const auto& weight = *stored.at(layer.weight);
    LayerQuality quality{.name = layer.name, .op = layer.op};
    quality.weight_sqnr = weight_levels(floats_of(weight), weight.dims, layer.axis, {}).sqnr;
    quality.input_sqnr = calibration.sqnr(placement.groups.at(layer.input), scales.at(layer.input));
    quality.sqnr = joined_sqnr(quality.weight_sqnr, quality.input_sqnr);
    layers.push_back(std::move(quality));
  }
  return layers;
}

Result<int64_t> bytes_of_file(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) return make_error(Code::Io, "{}: {}", path, error.message());
  return static_cast<int64_t>(bytes);
}

/// Runs a network that selects boxes once, which fails where its results are as many as there are
/// boxes: before all samples are.
Status check_selection(const ModelData& model, const SampleSet& samples, ThreadPool& pool) {
  const auto& nodes = model.graph.nodes;
  if (std::ranges::count(nodes, "NonMaxSuppression", &format::onnx::NodeData::op_type) == 0) {
    return {};
  }
  VERGE_TRY(NetworkRunner runner, NetworkRunner::of(model, pool));
  VERGE_TRY(const NetworkSample sample, samples.get(0));
  const auto outputs = runner.run(sample);
  return outputs ? Status() : Status(outputs.error());
}

/// Of 2 GiB at most, or Unsupported: never with data beside it.
Status write_one_file(const ModelData& model, const std::string& path,
                      const NetworkQuantization& options) {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  VERGE_RETURN_IF_ERROR(format::onnx::write_onnx_to(model, [&](std::span<const std::byte> bytes) {
    if (options.cancel == nullptr || !*options.cancel) return file.write(bytes);
    return Status(make_error(Code::Cancelled, "stopped; nothing was written"));
  }));
  return file.commit();
}

Result<Placement> placement_of(const ModelData& model, const std::vector<std::string>& keep,
                               const std::string& path) {
  VERGE_TRY(Placement placement, place_levels(model, keep));
  if (!placement.layers.empty()) return placement;
  return make_error(Code::Unsupported,
                    "{}: no Conv, Gemm or MatMul with stored f32 weights is left to quantize",
                    path);
}

}  // namespace

Result<NetworkReport> quantize_network(const format::onnx::Onnx& file, const std::string& out,
                                       const SampleSet& calibration, const SampleSet& evaluation,
                                       const NetworkQuantization& options, ThreadPool& pool,
                                       const Clock& clock) {
  const double begin = clock.seconds();
  if (calibration.count < 1) {
    return make_error(Code::InvalidArgument, "there is no sample to calibrate by");
  }
  ModelData model = file.model();
  if (const Status status = prepare_model(model); !status) {
    return make_error(status.error().code, "{}: {}", file.path(), status.error().message);
  }
  VERGE_TRY(Placement placement, placement_of(model, options.keep, file.path()));
  VERGE_RETURN_IF_ERROR(check_selection(model, calibration, pool));
  VERGE_TRY(const Calibration ranges, Calibrator(placement, calibration, options).run(model, pool));
  const auto scales = scales_of(placement, ranges);
  NetworkReport report;
  report.layers = qualities(model, placement, ranges, scales);
  std::vector<std::string> keep = options.keep;
  for (size_t i = 0; i < report.layers.size(); ++i) {
    LayerQuality& layer = report.layers[i];
    layer.is_kept = layer.sqnr < options.least_sqnr;
    if (!layer.is_kept) continue;
    keep.push_back(model.graph.nodes[placement.layers[i].node].outputs[0]);
  }
  VERGE_TRY(const Placement chosen, placement_of(model, keep, file.path()));
  const ModelData made = qdq_model(model, chosen, scales);
  VERGE_RETURN_IF_ERROR(write_one_file(made, out, options));
  VERGE_TRY(report.source_bytes, bytes_of_file(file.path()));
  VERGE_TRY(report.bytes, bytes_of_file(out));
  report.calibrated = calibration.count;
  const SampleSet& judged = evaluation.count > 0 ? evaluation : calibration;
  VERGE_TRY(report.comparison, compare_networks(model, made, judged, options, pool, clock));
  report.seconds = clock.seconds() - begin;
  return report;
}

}  // namespace verge::fit
