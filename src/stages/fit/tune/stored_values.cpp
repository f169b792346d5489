#include <algorithm>
#include <cstring>

#include <verge/engine/quant/quantize.hpp>
#include <verge/stages/fit/tune/stored_values.hpp>

namespace verge::fit {
namespace {

using runtime::NamedTensors;

Error without_place(const BaseModel& base, const std::string& weight, const std::string& why) {
  return make_error(Code::Unsupported,
                    "{}: {} {}, so that what is learned has no place in the file; leave it out of "
                    "the scheme",
                    base.path, weight, why);
}

Status expect_values_fit(const BaseModel& base, const std::string& weight,
                         const NamedTensors::value_type& tensor) {
  const auto& [name, view] = tensor;
  if (base.kind != BaseKind::Levels && !quant::can_quantize(view.dtype)) {
    return without_place(
        base, weight,
        fmt::format("is tensor {} of {}, which nothing writes", name, verge::name(view.dtype)));
  }
  const int64_t count = base.weights.at(weight).view.shape.count();
  if (view.shape.count() == count) return {};
  return without_place(base, weight,
                       fmt::format("has {} values, tensor {} {}", count, name, view.shape.count()));
}

// Where it is aligned for its type.
Tensor copy_of(const TensorView& view) {
  Tensor copy(view.dtype, view.shape);
  std::memcpy(copy.view().data, view.data, static_cast<size_t>(view.bytes()));
  return copy;
}

// A matrix by its columns.
std::vector<float> transposed(std::span<const float> values, int64_t rows, int64_t columns) {
  std::vector<float> result(values.size());
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      result[static_cast<size_t>(j * rows + i)] = values[static_cast<size_t>(i * columns + j)];
    }
  }
  return result;
}

}  // namespace

Result<StoredPlace> place_in_file(const BaseModel& base, const std::string& weight,
                                  const NamedTensors& tensors) {
  if (!base.weights.contains(weight)) {
    return make_error(Code::Conflict, "{}: no weight {}, which the plan updates; compile it anew",
                      base.path, weight);
  }
  onnx::WeightOrigin origin{.tensor = weight};
  if (base.kind == BaseKind::Onnx) {
    const auto known = base.origins.find(weight);
    origin = known == base.origins.end() ? onnx::WeightOrigin{} : known->second;
  }
  const auto& name = origin.tensor;
  if (name.empty()) {
    return without_place(base, weight, "is computed from the file's tensors and none of them");
  }
  const auto forms = std::ranges::count_if(
      base.origins, [&](const auto& other) { return other.second.tensor == name; });
  if (forms > 1) {
    return without_place(base, weight, fmt::format("is one of {} forms of tensor {}", forms, name));
  }
  const auto found = std::ranges::find(tensors, name, &NamedTensors::value_type::first);
  if (found == tensors.end()) {
    return without_place(base, weight,
                         fmt::format("is {}, none of the file's tensors in one piece", name));
  }
  VERGE_RETURN_IF_ERROR(expect_values_fit(base, weight, *found));
  return StoredPlace{static_cast<size_t>(found - tensors.begin()), origin.is_transposed};
}

Result<std::optional<Tensor>> with_changed_values(const TensorView& stored,
                                                  std::span<const float> before,
                                                  std::span<const float> after, ThreadPool& pool) {
  const bool is_same = std::memcmp(before.data(), after.data(), after.size_bytes()) == 0;
  if (is_same) return std::optional<Tensor>();
  Tensor values(DType::F32, stored.shape), encoded(stored.dtype, stored.shape),
      result(stored.dtype, stored.shape);
  std::ranges::copy(after, values.span<float>().begin());
  VERGE_RETURN_IF_ERROR(quant::quantize(values.view(), encoded.view(), {}, pool));
  std::memcpy(result.view().data, stored.data, static_cast<size_t>(stored.bytes()));
  const auto block = static_cast<size_t>(info(stored.dtype).block_size),
             block_bytes = static_cast<size_t>(info(stored.dtype).block_bytes);
  for (size_t i = 0; i < after.size() / block; ++i) {
    const size_t at = i * block_bytes;
    if (std::memcmp(&before[i * block], &after[i * block], block * sizeof(float)) == 0) continue;
    std::memcpy(result.view().as<std::byte>() + at, encoded.view().as<std::byte>() + at,
                block_bytes);
  }
  return std::optional<Tensor>(std::move(result));
}

Result<std::optional<Tensor>> with_learned_values(const TensorView& stored, bool is_transposed,
                                                  const BaseModel& base, TuningRun& run,
                                                  const std::string& weight, ThreadPool& pool) {
  std::vector<float> before = base.values(weight);
  VERGE_TRY(std::vector<float> after, run.tuned(weight));
  if (is_transposed) {
    const Shape& matrix = base.weights.at(weight).view.shape;
    before = transposed(before, matrix[0], matrix[1]);
    after = transposed(after, matrix[0], matrix[1]);
  }
  return with_changed_values(copy_of(stored).view(), before, after, pool);
}

}  // namespace verge::fit
