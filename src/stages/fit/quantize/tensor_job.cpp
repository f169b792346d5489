#include <algorithm>
#include <cmath>

#include <verge/engine/quant/dequantize.hpp>
#include <verge/stages/fit/quantize/tensor_job.hpp>

namespace verge::fit {
namespace {

constexpr int64_t kPortionValues = int64_t{4} << 20;  // 16 MiB of f32

// The tensor as rows of its last extent.
struct Rows {
  TensorView view;
  Tensor owned;  // where the file keeps them in another order
  int64_t columns = 0;
  int64_t count = 0;
};

Result<Rows> rows_of(const format::StoredTensor& tensor) {
  Rows rows;
  if (tensor.interleave_heads > 0) {
    rows.owned = Tensor(*tensor.dtype, tensor.shape);
    rows.view = rows.owned.view();
    VERGE_RETURN_IF_ERROR(
        tensor.copy_to({rows.view.as<std::byte>(), static_cast<size_t>(rows.view.bytes())}));
  } else {
    VERGE_TRY(rows.view, tensor.view());
  }
  rows.columns = tensor.shape.back();
  rows.count = tensor.shape.count() / rows.columns;
  return rows;
}

struct RowCheck {
  double squares = 0;
  int64_t bad_column = -1;
};

RowCheck check_row(const float* row, int64_t columns) {
  RowCheck check;
  for (int64_t i = 0; i < columns; ++i) {
    check.squares += static_cast<double>(row[i]) * row[i];
  }
  if (std::isfinite(check.squares)) return check;
  check.bad_column =
      std::find_if(row, row + columns, [](float x) { return !std::isfinite(x); }) - row;
  return check;
}

// Decodes rows [first, first + out.rows) and checks them; returns the sum of squares.
Result<double> decode(const format::StoredTensor& tensor, const Rows& rows, int64_t first,
                      const TensorView& out, ThreadPool& pool) {
  const int64_t count = out.shape[0], columns = rows.columns;
  const auto row_bytes = bytes_of(rows.view.dtype, columns);
  std::vector<RowCheck> checks(static_cast<size_t>(count));
  pool.run([&](Worker& worker) {
    const auto [begin, end] = worker.split(count);
    for (int64_t i = begin; i < end; ++i) {
      float* row = out.as<float>() + i * columns;
      quant::dequantize_row(rows.view.dtype, rows.view.as<std::byte>() + (first + i) * row_bytes,
                            row, columns);
      checks[static_cast<size_t>(i)] = check_row(row, columns);
    }
  });
  double squares = 0;
  for (int64_t i = 0; i < count; ++i) {
    const RowCheck& check = checks[static_cast<size_t>(i)];
    squares += check.squares;
    if (check.bad_column < 0) continue;
    const int64_t index = (first + i) * columns + check.bad_column;
    return make_error(Code::Malformed,
                      "tensor {}: value {} (row {}, column {}) is {}; the model is damaged or its "
                      "training diverged: fetch or train it again",
                      tensor.name, index, first + i, check.bad_column,
                      out.as<float>()[i * columns + check.bad_column]);
  }
  return squares;
}

std::span<const std::byte> bytes_of_view(const TensorView& view) {
  return {view.as<const std::byte>(), static_cast<size_t>(view.bytes())};
}

// The same type: the values stay as they are, but are still checked.
Status copy_rows(const Rows& rows, int64_t first, int64_t count, const format::ByteSink& sink) {
  const auto row_bytes = static_cast<size_t>(bytes_of(rows.view.dtype, rows.columns));
  return sink({rows.view.as<const std::byte>() + static_cast<size_t>(first) * row_bytes,
               static_cast<size_t>(count) * row_bytes});
}

}  // namespace

quant::QuantError ErrorSums::error() const {
  quant::QuantError error;
  error.rmse = values > 0 ? std::sqrt(squared_error / static_cast<double>(values)) : 0;
  error.relative = squares > 0 ? std::sqrt(squared_error / squares) : 0;
  error.max_abs = max_abs;
  return error;
}

void ErrorSums::add(const ErrorSums& other) {
  squared_error += other.squared_error;
  squares += other.squares;
  max_abs = std::max(max_abs, other.max_abs);
  values += other.values;
}

Result<ErrorSums> write_tensor(const format::StoredTensor& tensor, DType type,
                               const format::ByteSink& sink, ThreadPool& pool,
                               const std::function<void(int64_t values)>& on_portion) {
  VERGE_TRY(const Rows rows, rows_of(tensor));
  const int64_t portion = std::clamp(kPortionValues / rows.columns, int64_t{1}, rows.count);
  const Tensor values(DType::F32, {portion, rows.columns});
  const Tensor blocks(type, {portion, rows.columns});
  ErrorSums sums;
  for (int64_t first = 0; first < rows.count; first += portion) {
    const Shape shape = {std::min(portion, rows.count - first), rows.columns};
    const TensorView in{values.view().data, DType::F32, shape};
    VERGE_TRY(const double squares, decode(tensor, rows, first, in, pool));
    sums.add({0, squares, 0, shape.count()});
    if (type == rows.view.dtype) {
      VERGE_RETURN_IF_ERROR(copy_rows(rows, first, shape[0], sink));
    } else {
      const TensorView out{blocks.view().data, type, shape};
      VERGE_RETURN_IF_ERROR(quant::quantize(in, out, {}, pool));
      const quant::QuantError error = quant::measure_error(in, out, pool);
      sums.add({error.rmse * error.rmse * static_cast<double>(shape.count()), 0, error.max_abs, 0});
      VERGE_RETURN_IF_ERROR(sink(bytes_of_view(out)));
    }
    if (on_portion) on_portion(shape.count());
  }
  return sums;
}

}  // namespace verge::fit
