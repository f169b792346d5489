#include <algorithm>

#include <verge/engine/model/trainable_model.hpp>

namespace verge::model {

nn::LmForm training_form(const format::ModelSource& source) {
  return {.has_output = source.find("output.weight") != nullptr,
          .has_exit_outputs = false,
          .has_qkv_bias = source.find("blk.0.attn_q.bias") != nullptr,
          .has_qk_norms = source.find("blk.0.attn_q_norm.weight") != nullptr};
}

Status check_trainable(const format::ModelSource& source, const nn::DecoderConfig& config,
                       const nn::LmForm& form, std::string_view remedy) {
  const auto unknown = [&](std::string_view what) {
    return make_error(Code::Unsupported,
                      "{}: {}; all weights learn together in dense Llama and Qwen blocks of a GGUF "
                      "file alone; {}",
                      source.path, what, remedy);
  };
  if (config.window > 0 || config.post_norms || config.final_softcap > 0 ||
      config.attention_softcap > 0 || config.embedding_scale != 1 || config.moe.experts > 0 ||
      config.activation != nn::Activation::Silu) {
    return unknown(fmt::format("a model of type {}", config.architecture));
  }
  const std::vector<nn::LmParameter> parameters = nn::lm_parameters(config, form);
  for (const format::StoredTensor& tensor : source.tensors()) {
    if (tensor.name == "rope_freqs.weight") continue;
    const auto at = std::ranges::find(parameters, tensor.name, &nn::LmParameter::name);
    if (at == parameters.end() || at->shape != tensor.shape || tensor.interleave_heads > 0 ||
        !tensor.dtype) {
      return unknown(
          fmt::format("tensor {} of {} {}", tensor.name, tensor.type_name, tensor.shape.str()));
    }
  }
  for (const nn::LmParameter& parameter : parameters) {
    if (parameter.name.starts_with("exit.") || source.find(parameter.name) != nullptr) continue;
    return unknown(fmt::format("it lacks tensor {}", parameter.name));
  }
  return {};
}

}  // namespace verge::model
