#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>

#include <fmt/ranges.h>

#include <verge/core/checksum.hpp>
#include <verge/engine/format/npy/npy.hpp>
#include <verge/engine/graph/reference.hpp>
#include <verge/engine/graph/shape_rules.hpp>
#include <verge/stages/fit/tune/array_data.hpp>

namespace verge::fit {
namespace {

namespace fs = std::filesystem;
using format::NpyArray;

const std::vector<const char*> kLabelFiles = {"labels.npy"},
                               kTargetFiles = {"target.npy", "targets.npy"};
constexpr double kIgnored = -100;  // PyTorch's label for what does not count

enum class ElementKind { Real, Integer, Truth };

std::string_view show(ElementKind kind) {
  return kind == ElementKind::Real      ? "reals (float32)"
         : kind == ElementKind::Integer ? "integers (int64 or int32)"
                                        : "truth values (bool)";
}

bool fits(ElementKind kind, const NpyArray& array) {
  const DType dtype = array.tensor.dtype();
  const bool is_real = dtype == DType::F32 || dtype == DType::F64 || dtype == DType::F16;
  if (kind == ElementKind::Truth) return dtype == DType::U8;
  return kind == ElementKind::Real ? is_real : !is_real && !array.is_bool;
}

/// What a file must hold: samples of this shape and kind.
struct Wanted {
  std::vector<std::string> files;  // any of these names
  std::string what;                // "input \"x\""
  std::vector<int64_t> sample;     // extents behind the first
  ElementKind kind = ElementKind::Real;
};

std::string show_samples(const std::vector<int64_t>& sample) {
  return sample.empty() ? "[samples]" : fmt::format("[samples, {}]", fmt::join(sample, ", "));
}

// Of the smallest table whose rows an input's values are the numbers of.
std::optional<double> rows_to_choose(const graph::Graph& graph, const std::string& input) {
  const graph::ValueId id = graph.find(input);
  std::optional<double> rows;
  for (const graph::Node& node : graph.nodes) {
    if (node.op->name != "gather" || node.inputs[1] != id) continue;
    const graph::Type& table = graph.value(node.inputs[0]).type;
    if (graph::from_front(node.attrs.integer("axis"), table.dims.size()) != 0) continue;
    const auto of_table = static_cast<double>(graph.bound_shape(table)[0]);
    rows = std::min(rows.value_or(of_table), of_table);
  }
  return rows;
}

class ArrayReader {
 public:
  ArrayReader(const BaseModel& base, const std::vector<std::string>& paths)
      : base_(base), paths_(paths) {}

  Result<ArrayData> run() {
    VERGE_RETURN_IF_ERROR(expect_own_files());
    VERGE_RETURN_IF_ERROR(expect_own_names());
    for (const onnx::Port& port : base_.inputs) VERGE_RETURN_IF_ERROR(read_input(port));
    VERGE_RETURN_IF_ERROR(base_.has_classes() ? read_labels() : read_targets());
    data_.checksum = fmt::format("{:016x}", checksum_.value());
    return std::move(data_);
  }

 private:
  // Each input has a file, and the labels or the target another one.
  Status expect_own_files() const {
    std::map<std::string, std::string> owners;  // of file names
    for (const char* file : base_.has_classes() ? kLabelFiles : kTargetFiles) {
      owners[file] = base_.has_classes() ? "the labels" : "the target";
    }
    for (const onnx::Port& port : base_.inputs) {
      const std::string input = fmt::format("input \"{}\"", port.name);
      const auto [at, is_new] = owners.try_emplace(array_file_name(port.name), input);
      if (is_new) continue;
      return make_error(Code::Unsupported,
                        "{}: {} and {} would both be {}; export the network with other names",
                        base_.path, at->second, input, at->first);
    }
    return {};
  }

  Status expect_own_names() const {
    std::map<std::string, std::string> known;  // paths, by their last part
    for (const std::string& path : paths_) {
      const auto [at, is_new] = known.try_emplace(fs::path(path).filename().string(), path);
      if (is_new) continue;
      return make_error(Code::InvalidArgument, "{} and {} are both {}; give one of them",
                        at->second, path, at->first);
    }
    return {};
  }

  std::optional<std::string> find(const Wanted& wanted) const {
    for (const std::string& file : wanted.files) {
      for (const std::string& path : paths_) {
        if (fs::path(path).filename() == file) return path;
        const fs::path inside = fs::path(path) / file;
        if (std::error_code ignored; fs::is_regular_file(inside, ignored)) return inside.string();
      }
    }
    return std::nullopt;
  }

  // All samples of a file, which must be as many as in those before.
  Result<Tensor> read(const Wanted& wanted) {
    const auto path = find(wanted);
    if (!path) {
      return make_error(Code::NotFound, "{}: no {} for {}; write {} of {} by numpy.save",
                        fmt::join(paths_, ", "), wanted.files[0], wanted.what,
                        show_samples(wanted.sample), show(wanted.kind));
    }
    VERGE_TRY(NpyArray array, format::read_npy(*path));
    const Tensor& tensor = array.tensor;
    std::vector<int64_t> sample(tensor.shape().extents().begin(), tensor.shape().extents().end());
    const bool has_samples = !sample.empty() && sample[0] > 0;
    if (!sample.empty()) sample.erase(sample.begin());
    const bool is_column = tensor.shape().rank() == 1 && wanted.sample == std::vector<int64_t>{1};
    if (!has_samples || (sample != wanted.sample && !is_column) || !fits(wanted.kind, array)) {
      return make_error(Code::InvalidArgument, "{}: {} of {}; {} takes {} of {}{}", *path,
                        tensor.shape().str(), name(tensor.dtype()), wanted.what,
                        show_samples(wanted.sample), show(wanted.kind),
                        sample.size() == wanted.sample.size() && sample != wanted.sample
                            ? ", or compile the plan for another --shape"
                            : "");
    }
    const int64_t count = tensor.shape()[0];
    if (data_.count > 0 && count != data_.count) {
      return make_error(Code::InvalidArgument,
                        "{}: {} samples, {} has {}; each file has one a sample", *path, count,
                        first_, data_.count);
    }
    data_.count = count;
    if (first_.empty()) first_ = *path;
    path_ = *path;
    checksum_.add({tensor.view().as<std::byte>(), static_cast<size_t>(tensor.view().bytes())});
    return std::move(array.tensor);
  }

  Status expect_finite(const Tensor& values) const {
    const auto span = values.span<const float>();
    const auto bad = std::ranges::find_if(span, [](float value) { return !std::isfinite(value); });
    if (bad == span.end()) return {};
    const auto of_sample = std::max<int64_t>(1, values.shape().count() / data_.count);
    return make_error(Code::InvalidArgument,
                      "{}: sample {} holds {} as float32; leave such samples out of all files",
                      path_, (bad - span.begin()) / of_sample, *bad);
  }

  // As `dtype`; what is not finite is refused.
  Result<Tensor> read_as(const Wanted& wanted, DType dtype) {
    VERGE_TRY(Tensor values, read(wanted));
    if (values.dtype() != dtype) {
      Tensor converted(dtype, values.shape());
      graph::store(converted.view(), graph::load(values.view()));
      values = std::move(converted);
    }
    if (dtype == DType::F32) VERGE_RETURN_IF_ERROR(expect_finite(values));
    return values;
  }

  Status read_input(const onnx::Port& port) {
    const graph::Type& type = base_.graph.value(base_.graph.find(port.value)).type;
    Wanted wanted{.files = {array_file_name(port.name)},
                  .what = fmt::format("input \"{}\"", port.name),
                  .sample = {port.shape.extents().begin() + 1, port.shape.extents().end()}};
    if (!format::onnx::is_float(port.type)) {
      const bool is_truth = port.type == format::onnx::ElementType::Bool;
      wanted.kind = is_truth ? ElementKind::Truth : ElementKind::Integer;
    }
    VERGE_TRY(data_.inputs[port.value], read_as(wanted, type.dtype));
    if (wanted.kind != ElementKind::Integer) return {};
    return expect_rows(port, data_.inputs[port.value]);
  }

  // Numbers of rows of a table, which a kernel would take for its nearest ones.
  Status expect_rows(const onnx::Port& port, const Tensor& numbers) const {
    const auto rows = rows_to_choose(base_.graph, port.value);
    if (!rows) return {};
    const std::vector<double> values = graph::load(numbers.view());
    const auto bad = std::ranges::find_if(
        values, [&](double value) { return value < -*rows || value >= *rows; });
    if (bad == values.end()) return {};
    const auto of_sample = std::max<int64_t>(1, std::ssize(values) / data_.count);
    return make_error(
        Code::InvalidArgument,
        "{}: sample {} holds {}; input \"{}\" chooses from {} rows of a table, 0 to {}", path_,
        (bad - values.begin()) / of_sample, *bad, port.name, *rows, *rows - 1);
  }

  std::vector<int64_t> sample_of(const char* input) const {
    const Shape shape = base_.graph.bound_shape(base_.graph.value(base_.graph.find(input)).type);
    return {shape.extents().begin() + 1, shape.extents().end()};
  }

  Status read_labels() {
    VERGE_TRY(Tensor read_in, read({.files = {kLabelFiles.begin(), kLabelFiles.end()},
                                    .what = "the labels",
                                    .sample = sample_of("labels"),
                                    .kind = ElementKind::Integer}));
    const auto classes = static_cast<double>(base_.network.config.classes);
    data_.labels = Tensor(DType::I32, read_in.shape());
    const auto to = data_.labels.span<int32_t>();
    const std::vector<double> values = graph::load(read_in.view());
    for (size_t i = 0; i < values.size(); ++i) {
      const bool counts = values[i] != -1 && values[i] != kIgnored;
      if (counts && !(values[i] >= 0 && values[i] < classes)) {
        const auto of_sample = static_cast<size_t>(read_in.shape().count() / data_.count);
        return make_error(Code::InvalidArgument,
                          "{}: the label of sample {} is {}; the network tells {} classes apart, 0 "
                          "to {}, and -1 or -100 does not count",
                          path_, i / std::max<size_t>(1, of_sample), values[i], classes,
                          classes - 1);
      }
      to[i] = counts ? static_cast<int32_t>(values[i]) : -1;
    }
    return {};
  }

  Status read_targets() {
    VERGE_TRY(data_.targets, read_as({.files = {kTargetFiles.begin(), kTargetFiles.end()},
                                      .what = "the target",
                                      .sample = sample_of("targets")},
                                     DType::F32));
    return {};
  }

  const BaseModel& base_;
  const std::vector<std::string>& paths_;
  ArrayData data_;
  std::string first_, path_;  // files: the first one, the last one
  Checksum checksum_;
};

bool is_npy(const fs::path& path) {
  return path.extension() == ".npy";
}

}  // namespace

bool are_arrays(const std::vector<std::string>& paths) {
  if (paths.empty()) return false;
  if (std::ranges::all_of(paths, [](const std::string& path) { return is_npy(path); })) return true;
  std::error_code error;
  if (paths.size() != 1 || !fs::is_directory(paths[0], error)) return false;
  for (fs::directory_iterator at(paths[0], error), end; !error && at != end; at.increment(error)) {
    if (is_npy(at->path())) return true;
  }
  return false;
}

std::string array_file_name(std::string_view input) {
  std::string name(input);
  for (char& c : name) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                          (c == '.' && &c != name.data());
    if (!is_plain) c = '_';
  }
  return name + ".npy";
}

Result<ArrayData> read_arrays(const BaseModel& base, const std::vector<std::string>& paths) {
  return ArrayReader(base, paths).run();
}

}  // namespace verge::fit
