#pragma once
// TensorJob: one tensor of a model file read, quantized, measured and handed on in portions.

#include <functional>

#include <verge/core/threads.hpp>
#include <verge/engine/format/byte_sink.hpp>
#include <verge/engine/format/stored_tensor.hpp>
#include <verge/engine/quant/quantize.hpp>

namespace verge::fit {

/// Sums over the values of a tensor that was quantized.
struct ErrorSums {
  double squared_error = 0;
  double squares = 0;
  double max_abs = 0;
  int64_t values = 0;

  quant::QuantError error() const;
  void add(const ErrorSums& other);
};

/// Writes `tensor` as `type` into the sink. `on_portion(values)` follows each portion. Fails with
/// Malformed for a NaN or infinite value, naming tensor, index and place.
Result<ErrorSums> write_tensor(const format::StoredTensor& tensor, DType type,
                               const format::ByteSink& sink, ThreadPool& pool,
                               const std::function<void(int64_t values)>& on_portion);

}  // namespace verge::fit
