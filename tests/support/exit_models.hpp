#pragma once
// Models with early exits, and what their caches hold.

#include "tiny_models.hpp"

namespace verge::test {

/// A copy of a model with exit heads after so many layers, each its own output norm.
inline std::string with_exit_heads(const std::string& path, const std::vector<int32_t>& layers) {
  auto source = format::ModelSource::open(path);
  EXPECT_TRUE(source.ok());
  const auto view = source->find("output_norm.weight")->view();
  const std::vector<float> norm(view->as<float>(), view->as<float>() + view->shape.count());
  return rewrite_model(path, "-exit.gguf", [&](format::Metadata& metadata) {
    metadata.set_array<int32_t>("verge.exit_layers", layers);
    for (const int32_t after : layers) {
      metadata.set_array<float>(fmt::format("verge.exit.{}.norm", after), norm);
    }
  });
}

/// A copy of a model of F32 with its exit heads' own output matrices, each `scale` times the
/// embedding.
inline std::string with_own_outputs(const std::string& path, const std::vector<int64_t>& exits,
                                    float scale) {
  auto source = format::ModelSource::open(path);
  EXPECT_TRUE(source.ok());
  format::GgufWriter writer(source->metadata);
  for (const auto& tensor : source->tensors()) EXPECT_TRUE(writer.add(tensor).ok());
  const format::StoredTensor* embedding = source->find("token_embd.weight");
  const auto view = embedding->view();
  std::vector<float> values(view->as<float>(), view->as<float>() + view->shape.count());
  for (float& value : values) value *= scale;
  for (const int64_t after : exits) {
    EXPECT_TRUE(writer
                    .add(nn::exit_output_name(after), DType::F32, embedding->shape,
                         std::as_bytes(std::span(values)))
                    .ok());
  }
  const std::string copy = path + "-untied.gguf";
  EXPECT_TRUE(writer.write(copy).ok());
  return copy;
}

/// A random model of a family with rows that blocks of 256 divide, six layers and exit heads after
/// two and four.
inline std::string write_exit_model(const TemporaryFolder& folder, std::string_view shape,
                                    DType dtype = DType::F32) {
  build::RandomModelSpec spec = wide_spec(shape);
  spec.layers = 6;
  return with_exit_heads(write_model(folder, spec, dtype), {2, 4});
}

/// The stored keys and values of positions [first, last) of one of the decoder's layers.
inline std::vector<std::byte> keys_and_values(const runtime::Sequence& sequence, int64_t layer,
                                              int64_t first, int64_t last) {
  const runtime::Decoder& decoder = sequence.decoder();
  const TensorView& cache =
      decoder.states.all().at(fmt::format("kv.{}", decoder.first_layer + layer));
  const auto planes = static_cast<size_t>(cache.shape[1] * cache.shape[2]);
  const auto page_tokens = static_cast<size_t>(decoder.page_tokens);
  std::vector<std::byte> all;
  for (int64_t at = first; at < last; ++at) {
    const int32_t number = sequence.pages()[static_cast<size_t>(at / decoder.page_tokens)];
    const std::span<const std::byte> page = runtime::page_bytes(decoder, layer, number);
    const size_t row = page.size() / planes / page_tokens;
    for (size_t plane = 0; plane < planes; ++plane) {
      const size_t slot = plane * page_tokens + static_cast<size_t>(at % decoder.page_tokens);
      const auto bytes = page.subspan(slot * row, row);
      all.insert(all.end(), bytes.begin(), bytes.end());
    }
  }
  return all;
}

}  // namespace verge::test
