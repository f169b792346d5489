#pragma once
// Files of small random models of every family, and Verge's logits for them.

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/format/model_source.hpp>
#include <verge/engine/model/language_model.hpp>
#include <verge/stages/build/random_model/random_model.hpp>

#include "temporary_folder.hpp"

namespace verge::test {

inline build::RandomModelSpec tiny_spec(std::string_view shape) {
  auto spec = build::random_model_spec(shape);
  EXPECT_TRUE(spec.ok()) << spec.error().message;
  return *spec;
}

/// The family of a tiny shape with rows that blocks of 256 divide.
inline build::RandomModelSpec wide_spec(std::string_view shape) {
  build::RandomModelSpec spec = tiny_spec(shape);
  spec.d_model = 256;
  spec.heads = 8;
  spec.kv_heads = 2;
  spec.head_dim = 32;
  spec.ffn = spec.experts > 0 ? 256 : 512;
  return spec;
}

/// Writes the model with all matrices of one type; the path of the file.
inline std::string write_model(const TemporaryFolder& folder, build::RandomModelSpec spec,
                               DType dtype = DType::F32) {
  spec.dtype = [dtype](std::string_view, const Shape&) { return dtype; };
  const std::string path = folder / fmt::format("{}-{}.gguf", spec.name, name(dtype));
  ThreadPool pool(1);
  const Status status = build::write_random_model(spec, path, pool);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return path;
}

/// A copy of a model file with other metadata and further tensors.
inline std::string rewrite_model(
    const std::string& path, const std::string& suffix,
    const std::function<void(format::Metadata&)>& edit,
    const std::vector<std::pair<std::string, std::vector<float>>>& tensors = {}) {
  auto source = format::ModelSource::open(path);
  EXPECT_TRUE(source.ok()) << source.error().message;
  edit(source->metadata);
  format::GgufWriter writer(source->metadata);
  for (const auto& tensor : source->tensors()) EXPECT_TRUE(writer.add(tensor).ok());
  for (const auto& [name, values] : tensors) {
    EXPECT_TRUE(writer
                    .add(name, DType::F32, {static_cast<int64_t>(values.size())},
                         std::as_bytes(std::span(values)))
                    .ok());
  }
  const std::string copy = path + suffix;
  const Status status = writer.write(copy);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return copy;
}

inline std::unique_ptr<model::LanguageModel> load_model(const std::string& path, ThreadPool& pool,
                                                        const model::LoadOptions& options) {
  auto loaded = model::LanguageModel::load(path, options, pool);
  EXPECT_TRUE(loaded.ok()) << loaded.error().message;
  return loaded.ok() ? std::move(*loaded) : nullptr;
}

/// Logits of all positions, of a KV cache of f32.
inline model::LoadOptions all_logits_options() {
  model::LoadOptions options;
  options.context = 256;
  options.max_tokens = options.max_outputs = 128;
  options.kv_dtype = DType::F32;
  return options;
}

inline std::vector<int32_t> random_tokens(int count, int vocab, uint64_t seed = 7) {
  Rng rng(seed, 0);
  std::vector<int32_t> tokens;
  for (int i = 0; i < count; ++i) {
    tokens.push_back(3 + static_cast<int32_t>(rng.below(static_cast<uint32_t>(vocab - 3))));
  }
  return tokens;
}

/// Logits [tokens, vocab], the prompt given in pieces of `chunks` tokens in turn.
inline std::vector<float> logits_of(model::LanguageModel& model, std::span<const int32_t> tokens,
                                    std::vector<size_t> chunks) {
  std::vector<float> all;
  runtime::Session session = model.session();
  const runtime::Session::LogitsVisitor keep = [&](int64_t, std::span<const float> logits) {
    all.insert(all.end(), logits.begin(), logits.end());
  };
  for (size_t turn = 0; !tokens.empty(); ++turn) {
    const size_t count = std::min(tokens.size(), chunks[turn % chunks.size()]);
    const Status status = session.append(tokens.first(count), keep);
    EXPECT_TRUE(status.ok()) << status.error().message;
    tokens = tokens.subspan(count);
  }
  return all;
}

/// The largest difference, in parts of the largest expected value; infinite for NaN.
inline double relative_error(std::span<const float> got, std::span<const float> expected) {
  if (got.size() != expected.size()) return INFINITY;
  double worst = 0, largest = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(double{got[i]} - double{expected[i]});
    if (!(difference <= worst)) worst = std::isnan(difference) ? INFINITY : difference;
    largest = std::max(largest, std::abs(double{expected[i]}));
  }
  return worst / largest;
}

}  // namespace verge::test
