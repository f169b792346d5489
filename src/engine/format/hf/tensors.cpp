#include <cstring>

#include <verge/engine/format/hf/tensors.hpp>

namespace verge::format {
namespace {

constexpr int64_t kWidestVector = 1 << 22;  // norms and biases have at most 2^17 values today

float load_as_f32(const StoredTensor& tensor, size_t i) {
  if (*tensor.dtype == DType::F32) {
    float value;
    std::memcpy(&value, tensor.bytes.data() + i * sizeof value, sizeof value);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, tensor.bytes.data() + i * sizeof bits, sizeof bits);
  return *tensor.dtype == DType::F16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

void set_values(StoredTensor& tensor, std::vector<float> values, ModelSource& source) {
  auto owned = std::make_shared<const std::vector<float>>(std::move(values));
  tensor.dtype = DType::F32;
  tensor.type_id = static_cast<uint32_t>(DType::F32);
  tensor.type_name = "F32";
  tensor.bytes = std::as_bytes(std::span(*owned));
  source.memory.push_back(owned);
}

Status widen_vector(StoredTensor& tensor, float added, ModelSource& source) {
  const bool is_float =
      tensor.dtype == DType::F32 || tensor.dtype == DType::F16 || tensor.dtype == DType::BF16;
  if (!is_float || tensor.shape.count() > kWidestVector) {
    return make_error(Code::Unsupported, "tensor {}: {} values of type {} are no norm or bias",
                      tensor.name, tensor.shape.count(), tensor.type_name);
  }
  std::vector<float> values(static_cast<size_t>(tensor.shape.count()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = load_as_f32(tensor, i) + added;
  set_values(tensor, std::move(values), source);
  return {};
}

}  // namespace

uint32_t interleaved_heads(const HfFamily& family, std::string_view name, uint32_t heads,
                           uint32_t kv_heads) {
  if (!family.interleave) return 0;
  const size_t dot = name.find('.', 4);  // behind "blk."
  if (!name.starts_with("blk.") || dot == std::string_view::npos) return 0;
  const std::string_view rest = name.substr(dot + 1);
  if (rest == "attn_q.weight" || rest == "attn_q.bias") return heads;
  if (rest == "attn_k.weight" || rest == "attn_k.bias") return kv_heads;
  return 0;
}

Status mark_interleaved(StoredTensor& tensor, uint32_t heads) {
  const int64_t rows = tensor.shape.rank() > 0 ? tensor.shape[0] : 0;
  if (rows == 0 || rows % (2 * int64_t{heads}) != 0) {
    return make_error(Code::Malformed, "tensor {}: shape {} cannot be split into {} heads",
                      tensor.name, tensor.shape.str(), heads);
  }
  tensor.interleave_heads = static_cast<int>(heads);
  return {};
}

Status add_hf_tensor(const HyperParameters& parameters, const StoredTensor& tensor,
                     ModelSource& source) {
  const auto name = gguf_tensor_name(parameters.family, tensor.name);
  if (!name) {
    return make_error(
        Code::Unsupported,
        "tensor {}: a {} model has none of this name; fetch the unquantized model, or "
        "one as GGUF",
        tensor.name, parameters.family.model_type);
  }
  if (name->empty() || (parameters.tied && *name == "output.weight")) return {};
  StoredTensor added = tensor;
  added.name = *name;
  if (added.shape.rank() == 1) {
    const bool is_norm = name->ends_with("norm.weight");
    const float one = parameters.family.norms_add_one && is_norm ? 1.f : 0.f;
    VERGE_RETURN_IF_ERROR(widen_vector(added, one, source));
  }
  const uint32_t heads =
      interleaved_heads(parameters.family, *name, parameters.heads, parameters.kv_heads);
  if (heads > 0) VERGE_RETURN_IF_ERROR(mark_interleaved(added, heads));
  return source.add(std::move(added));
}

Status add_rope_factors(const HyperParameters& parameters, ModelSource& source) {
  for (const RopeFactors& factors : parameters.rope_factors) {
    StoredTensor tensor;
    tensor.name = factors.name;
    tensor.shape = {static_cast<int64_t>(factors.values.size())};
    set_values(tensor, factors.values, source);
    VERGE_RETURN_IF_ERROR(source.add(std::move(tensor)));
  }
  return {};
}

}  // namespace verge::format
