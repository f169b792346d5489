#include <filesystem>

#include <verge/cli/options.hpp>
#include <verge/cli/training_levels.hpp>
#include <verge/stages/fit/tune/calibrate.hpp>

namespace verge::cli {
namespace {

constexpr int64_t kCalibrationPictures = 256;

Status check_levels(const TrainingCompileOptions& options, const std::string& path) {
  if (options.calibrate.empty() && options.int8_out.empty()) return {};
  return make_error(Code::InvalidArgument,
                    "{}: a network of levels; leave --calibrate and --int8-out out", path);
}

Status calibrate(const fit::BaseModel& base, const TrainingCompileOptions& options,
                 const std::string& made, ThreadPool& pool) {
  const fit::CalibrationOptions calibration = {
      .method = fit::calibration_method(options.method).value_or(fit::CalibrationMethod::MinMax),
      .pictures = kCalibrationPictures};
  return fit::write_calibrated(base, {.paths = {options.calibrate}}, calibration, made, pool);
}

}  // namespace

Result<std::string> network_of_levels(const TrainingCompileOptions& options,
                                      const std::string& path, const std::string& output,
                                      fit::BaseShape& shape, ThreadPool& pool) {
  fit::BaseShape single = {.batch = 1, .tokens = 1, .inputs = shape.inputs, .output = shape.output};
  for (onnx::InputBinding& input : single.inputs) {
    if (input.value || input.shape.rank() == 0) continue;
    std::vector<int64_t> extents(input.shape.extents().begin(), input.shape.extents().end());
    extents[0] = 1;
    input.shape = Shape(std::span<const int64_t>(extents));
  }
  VERGE_TRY(const fit::BaseModel base, fit::open_base_model(path, single));
  if (base.kind == fit::BaseKind::Levels) {
    VERGE_RETURN_IF_ERROR(check_levels(options, path));
    return path;
  }
  if (options.calibrate.empty()) {
    return make_error(Code::InvalidArgument,
                      "{}: an f32 network; give --calibrate PICTURES, which say what a level of "
                      "each activation is worth",
                      path);
  }
  std::string made = options.int8_out;
  if (made.empty()) {
    made = std::filesystem::path(output).replace_extension(".int8.safetensors").string();
  }
  VERGE_RETURN_IF_ERROR(expect_other_file(path, made));
  VERGE_RETURN_IF_ERROR(calibrate(base, options, made, pool));
  shape.inputs.clear();
  shape.output.clear();
  return made;
}

}  // namespace verge::cli
