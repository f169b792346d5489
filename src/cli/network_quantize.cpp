#include <algorithm>
#include <cmath>

#include <verge/cli/interrupt.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/network_quantize.hpp>
#include <verge/cli/progress.hpp>
#include <verge/cli/sample_sets.hpp>
#include <verge/stages/fit/quantize_network/quantize_network.hpp>

namespace verge::cli {
namespace {

constexpr size_t kWorstLayers = 10;  // of the table; --json lists all

PictureRunOptions picture_options(const NetworkQuantizeOptions& options) {
  PictureRunOptions pictures;
  pictures.image_size = options.image_size;
  pictures.resize = options.resize;
  pictures.filter = options.filter;
  pictures.channels = options.channels;
  pictures.settings = options.settings;
  pictures.mean = options.mean;
  pictures.deviation = options.deviation;
  pictures.crop = options.crop;
  pictures.scale = options.scale;
  return pictures;
}

Result<fit::NetworkQuantization> job_of(const NetworkQuantizeOptions& options) {
  fit::NetworkQuantization job;
  job.method = fit::calibration_method(options.method).value_or(job.method);
  job.percentile = options.percentile;
  job.keep = options.keep;
  job.least_sqnr = options.least_sqnr;
  job.cancel = &catch_interrupts();
  if (!(options.percentile > 50 && options.percentile <= 100)) {
    return make_error(Code::InvalidArgument, "--percentile {}: give a number above 50, at most 100",
                      options.percentile);
  }
  if (options.calibrate.empty()) {
    return make_error(Code::InvalidArgument,
                      "a network needs --calibrate with pictures, a folder of them, .npy arrays or "
                      "the data of `verge train image`");
  }
  return job;
}

// JSON has no infinity: what nothing was lost of.
Json decibels(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

void print_json(const NetworkQuantizeOptions& options, const fit::NetworkReport& report,
                std::ostream& out) {
  Json layers = Json::array();
  for (const fit::LayerQuality& layer : report.layers) {
    layers.push_back({{"name", layer.name},
                      {"op", layer.op},
                      {"sqnr_db", decibels(layer.sqnr)},
                      {"weight_sqnr_db", decibels(layer.weight_sqnr)},
                      {"input_sqnr_db", decibels(layer.input_sqnr)},
                      {"kept_f32", layer.is_kept}});
  }
  const fit::Comparison& c = report.comparison;
  Json json = {{"file", options.out},
               {"method", options.method},
               {"samples", report.calibrated},
               {"source_bytes", report.source_bytes},
               {"bytes", report.bytes},
               {"compared", c.samples},
               {"output_sqnr_db", decibels(c.output_sqnr)},
               {"top1_agreement", c.agreement},
               {"ms_before", 1e3 * c.seconds_before},
               {"ms", 1e3 * c.seconds},
               {"seconds", report.seconds},
               {"layers", layers}};
  if (c.labelled > 0) {
    json["labelled"] = c.labelled;
    json["accuracy_before"] = c.accuracy_before;
    json["accuracy"] = c.accuracy;
  }
  print_json_line(json, out);
}

void print_layers(const fit::NetworkReport& report, std::ostream& out) {
  std::vector<fit::LayerQuality> layers = report.layers;
  std::ranges::stable_sort(layers, {}, &fit::LayerQuality::sqnr);
  if (layers.size() > kWorstLayers) layers.resize(kWorstLayers);
  out << fmt::format("{:<44} {:<8} {:>8} {:>10} {:>9}\n", "layers of the lowest SQNR", "op",
                     "SQNR dB", "weights dB", "input dB");
  for (const fit::LayerQuality& layer : layers) {
    out << fmt::format("{:<44} {:<8} {:>8.1f} {:>10.1f} {:>9.1f}{}\n", layer.name, layer.op,
                       layer.sqnr, layer.weight_sqnr, layer.input_sqnr,
                       layer.is_kept ? "  stays f32" : "");
  }
}

void print_text(const NetworkQuantizeOptions& options, const fit::NetworkReport& report,
                std::ostream& out) {
  print_layers(report, out);
  const fit::Comparison& c = report.comparison;
  out << fmt::format("{:<24} {:>12} {:>12}\n", "", "f32", "int8");
  out << fmt::format("{:<24} {:>12.2f} {:>12.2f}\n", "file, MiB",
                     static_cast<double>(report.source_bytes) / (1 << 20),
                     static_cast<double>(report.bytes) / (1 << 20));
  out << fmt::format("{:<24} {:>12.3f} {:>12.3f}\n", "time a sample, ms", 1e3 * c.seconds_before,
                     1e3 * c.seconds);
  if (c.labelled > 0) {
    out << fmt::format("{:<24} {:>12.2f} {:>12.2f}\n", "accuracy, %", 100 * c.accuracy_before,
                       100 * c.accuracy);
  }
  out << fmt::format(
      "{}: {} samples by {}; on {}: output SQNR {:.1f} dB, top-1 the same {:.2f} %, "
      "{:.1f} s\n",
      options.out, report.calibrated, options.method, c.samples, c.output_sqnr, 100 * c.agreement,
      report.seconds);
}

}  // namespace

void NetworkQuantizeOptions::declare(Parser& parser) {
  const auto add = [&](const char* name, auto& value, const char* text) {
    return parser.add_option(name, value, text).group("Of an ONNX network");
  };
  add("--calibrate", calibrate,
      "Pictures, folders of them, .npy arrays, or the data of `verge train image`: on these the "
      "ranges of activations are found");
  add("--evaluate", evaluate,
      "The same kinds, to compare on; folders in a folder, and test images, have classes");
  add("--method", method, "How a range is found").one_of({"entropy", "percentile", "minmax"});
  add("--percentile", percentile, "Of --method percentile: the share of values kept");
  add("--samples", samples, "Of --calibrate at most so many, drawn by --seed; 0: all")
      .not_negative();
  add("--seed", seed, "Of that draw");
  add("--keep", keep, "Layers that stay f32, by the name of node or output; may be repeated")
      .repeated();
  add("--least-sqnr", least_sqnr, "In dB: layers whose weights and input lose more stay f32");
  add("--image-size", image_size, "Of the network's input: a side or HEIGHTxWIDTH");
  add("--resize", resize, "How a picture becomes that size")
      .one_of({"stretch", "crop", "letterbox"});
  add("--filter", filter, "By which pixels are mixed").one_of({"bilinear", "nearest"});
  add("--crop", crop, "Of --resize crop: the share of the shorter side that is kept")
      .not_negative();
  add("--channels", channels, "Their order in the network's input").one_of({"rgb", "bgr"});
  add("--scale", scale, "Pixels are multiplied by this; 1/255 if not said").not_negative();
  add("--mean", mean, "Taken off each channel after that: one number or three").separated_by(',');
  add("--std", deviation, "Then each channel is divided by this").separated_by(',');
  add("--settings", settings, "TOML file of these options; NET.toml is read as well");
}

std::string NetworkQuantizeOptions::given() const {
  const NetworkQuantizeOptions usual;
  const std::pair<const char*, bool> options[] = {{"--calibrate", !calibrate.empty()},
                                                  {"--evaluate", !evaluate.empty()},
                                                  {"--method", method != usual.method},
                                                  {"--percentile", percentile != usual.percentile},
                                                  {"--samples", samples != usual.samples},
                                                  {"--seed", seed != usual.seed},
                                                  {"--keep", !keep.empty()},
                                                  {"--least-sqnr", least_sqnr != usual.least_sqnr},
                                                  {"--image-size", !image_size.empty()},
                                                  {"--resize", !resize.empty()},
                                                  {"--filter", !filter.empty()},
                                                  {"--crop", crop != usual.crop},
                                                  {"--channels", !channels.empty()},
                                                  {"--scale", scale != usual.scale},
                                                  {"--mean", !mean.empty()},
                                                  {"--std", !deviation.empty()},
                                                  {"--settings", !settings.empty()}};
  for (const auto& [name, is_given] : options) {
    if (is_given) return name;
  }
  return "";
}

Status quantize_network(const NetworkQuantizeOptions& options, const ThreadOptions& threads,
                        Context& context) {
  VERGE_TRY(fit::NetworkQuantization job, job_of(options));
  VERGE_RETURN_IF_ERROR(expect_other_file(options.in, options.out));
  VERGE_TRY(const auto pool, threads.make_pool());
  const PictureRunOptions pictures = picture_options(options);
  VERGE_TRY(const fit::SampleSet calibration,
            read_samples(options.calibrate, options.samples, options.seed, false, options.in,
                         pictures, *pool));
  fit::SampleSet evaluation;
  if (!options.evaluate.empty()) {
    VERGE_TRY(evaluation,
              read_samples(options.evaluate, 0, options.seed, true, options.in, pictures, *pool));
  }
  VERGE_TRY(const auto file, format::onnx::Onnx::open(options.in));
  const SystemClock clock;
  Progress progress(context, clock);
  const double begin = clock.seconds();
  job.on_progress = [&](const fit::CalibrationProgress& now) {
    progress.show(progress_bar(static_cast<double>(now.done), static_cast<double>(now.all),
                               clock.seconds() - begin, 1, "samples/s") +
                  std::string(now.step));
  };
  VERGE_TRY(const fit::NetworkReport report,
            fit::quantize_network(file, options.out, calibration, evaluation, job, *pool, clock));
  progress.clear();
  if (context.json) {
    print_json(options, report, context.out);
  } else {
    print_text(options, report, context.out);
  }
  return {};
}

}  // namespace verge::cli
