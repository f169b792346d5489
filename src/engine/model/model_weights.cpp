#include <verge/engine/model/model_residency.hpp>
#include <verge/engine/model/model_weights.hpp>
#include <verge/engine/model/split_facts.hpp>

namespace verge::model {

Status add_weights(const format::ModelSource& source, nn::LayerSpan layers,
                   runtime::WeightStore& weights) {
  for (const format::StoredTensor* stored : tensors_of(source, layers)) {
    const format::StoredTensor& tensor = *stored;
    if (!tensor.dtype) continue;  // refused by name if the graph needs it
    // Vectors are scattered over the file, and a page of it can be as large as 2 MiB: one row
    // touched keeps all of it resident.
    if (tensor.interleave_heads > 0 || tensor.shape.rank() == 1) {
      Tensor rows(*tensor.dtype, tensor.shape);
      VERGE_RETURN_IF_ERROR(
          tensor.copy_to({rows.view().as<std::byte>(), static_cast<size_t>(rows.view().bytes())}));
      weights.add(tensor.name, std::move(rows));
      continue;
    }
    VERGE_TRY(const TensorView view, tensor.view());
    const auto file = file_of(source, tensor);
    if (file == nullptr) {
      weights.add(tensor.name, view, nullptr);
      continue;
    }
    const auto begin = static_cast<size_t>(tensor.bytes.data() - file->bytes().data());
    weights.add(tensor.name, view, file, [file, begin](int64_t offset, int64_t length) {
      file->advise(Advice::DontNeed, begin + static_cast<size_t>(offset),
                   static_cast<size_t>(length));
    });
  }
  return {};
}

}  // namespace verge::model
