#pragma once
// Random LoRA adapters of a model file: as GGUF, as a folder of PEFT, and merged into the model, by
// code that knows nothing of how Verge reads or applies them.
//
//   const test::Adapter adapter = test::random_adapter(base, {.rank = 4});
//   adapter.write_gguf(folder / "a.gguf");
//   adapter.write_merged(folder / "merged.gguf");  // W + alpha / rank * B A

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <verge/core/rng.hpp>
#include <verge/engine/format/gguf/writer.hpp>
#include <verge/engine/format/hf/family.hpp>
#include <verge/engine/format/model_source.hpp>
#include <verge/engine/format/safetensors/writer.hpp>
#include <verge/engine/quant/quantize.hpp>

namespace verge::test {

struct AdapterShape {
  int64_t rank = 4;
  float alpha = 8;
  uint64_t seed = 1;
  DType dtype = DType::F32;              // of the files
  std::vector<std::string> layers = {};  // ends of the names, "attn_q.weight"; empty: all linears
  float size = 0.5f;                     // how much it changes, in parts of the matrices
};

struct Adapter {
  struct Pair {
    int64_t in, out;
    std::vector<float> a, b;  // [rank, in], [out, rank]
  };

  std::string base;
  AdapterShape shape;
  std::map<std::string, Pair> pairs;  // by weight

  void write_gguf(const std::string& path) const {
    const auto source = format::ModelSource::open(base);
    ASSERT_TRUE(source.ok()) << source.error().message;
    format::Metadata metadata;
    metadata.set("general.architecture", *source->metadata.get_string("general.architecture"));
    metadata.set("general.type", "adapter");
    metadata.set("adapter.type", "lora");
    metadata.set("adapter.lora.alpha", shape.alpha);
    format::GgufWriter writer(metadata);
    std::vector<std::vector<std::byte>> kept;
    for (const auto& [name, pair] : pairs) {
      kept.push_back(stored(pair.a));
      EXPECT_TRUE(writer.add(name + ".lora_a", shape.dtype, {shape.rank, pair.in}, kept.back()));
      kept.push_back(stored(pair.b));
      EXPECT_TRUE(writer.add(name + ".lora_b", shape.dtype, {pair.out, shape.rank}, kept.back()));
    }
    const Status status = writer.write(path);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }

  /// `folder` must exist. `config` goes into the JSON object, before what is always there.
  void write_peft(const std::string& folder, const std::string& config = "") const {
    const auto source = format::ModelSource::open(base);
    ASSERT_TRUE(source.ok()) << source.error().message;
    const bool is_llama = *source->metadata.get_string("general.architecture") == "llama";
    format::SafetensorsWriter writer;
    std::vector<std::vector<std::byte>> kept;
    for (const auto& [name, pair] : pairs) {
      std::string module = *format::hf_tensor_name(name);
      module = "base_model.model." + module.substr(0, module.size() - 7);  // without .weight
      kept.push_back(stored(pair.a));
      EXPECT_TRUE(
          writer.add(module + ".lora_A.weight", shape.dtype, {shape.rank, pair.in}, kept.back()));
      const int64_t heads = is_llama ? heads_of(*source, name) : 0;
      kept.push_back(stored(heads > 0 ? split_pairs(pair.b, pair.out / heads) : pair.b));
      EXPECT_TRUE(
          writer.add(module + ".lora_B.weight", shape.dtype, {pair.out, shape.rank}, kept.back()));
    }
    ASSERT_TRUE(writer.write(folder + "/adapter_model.safetensors"));
    const std::string json = fmt::format(
        R"({{{}"peft_type":"LORA","r":{},"lora_alpha":{},"bias":"none","target_modules":["q_proj"]}})",
        config, shape.rank, shape.alpha);
    std::ofstream(folder + "/adapter_config.json") << json;
  }

  /// The base, of f32, with the adapter added to its matrices.
  void write_merged(const std::string& path, double scale = 1) const {
    const auto source = format::ModelSource::open(base);
    ASSERT_TRUE(source.ok()) << source.error().message;
    format::GgufWriter writer(source->metadata);
    std::vector<std::vector<float>> kept;
    for (const format::StoredTensor& tensor : source->tensors()) {
      const auto at = pairs.find(tensor.name);
      if (at == pairs.end()) {
        EXPECT_TRUE(writer.add(tensor));
        continue;
      }
      ASSERT_EQ(*tensor.dtype, DType::F32);
      kept.push_back(merged(tensor, at->second, scale));
      EXPECT_TRUE(
          writer.add(tensor.name, DType::F32, tensor.shape, std::as_bytes(std::span(kept.back()))));
    }
    const Status status = writer.write(path);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }

 private:
  std::vector<std::byte> stored(const std::vector<float>& values) const {
    const auto count = static_cast<int64_t>(values.size());
    std::vector<std::byte> bytes(static_cast<size_t>(bytes_of(shape.dtype, count)));
    if (shape.dtype == DType::F32) {
      std::memcpy(bytes.data(), values.data(), bytes.size());
    } else {
      EXPECT_TRUE(quant::quantize_row(shape.dtype, values.data(), bytes.data(), count));
    }
    return bytes;
  }

  static int64_t heads_of(const format::ModelSource& source, const std::string& name) {
    const char* key = name.ends_with("attn_q.weight")   ? "llama.attention.head_count"
                      : name.ends_with("attn_k.weight") ? "llama.attention.head_count_kv"
                                                        : nullptr;
    return key == nullptr ? 0 : *source.metadata.get_i64(key);
  }

  /// GGUF's rows of pairs as transformers' rows of halves.
  std::vector<float> split_pairs(const std::vector<float>& b, int64_t head_dim) const {
    std::vector<float> out(b.size());
    const int64_t rows = static_cast<int64_t>(b.size()) / shape.rank;
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t within = row % head_dim;
      const int64_t to = row - within + within % 2 * (head_dim / 2) + within / 2;
      std::copy_n(&b[static_cast<size_t>(row * shape.rank)], shape.rank,
                  &out[static_cast<size_t>(to * shape.rank)]);
    }
    return out;
  }

  std::vector<float> merged(const format::StoredTensor& tensor, const Pair& pair,
                            double scale) const {
    std::vector<float> w(static_cast<size_t>(tensor.shape.count()));
    std::memcpy(w.data(), tensor.bytes.data(), tensor.bytes.size());
    const double factor = scale * double{shape.alpha} / static_cast<double>(shape.rank);
    for (int64_t o = 0; o < pair.out; ++o) {
      for (int64_t i = 0; i < pair.in; ++i) {
        double sum = 0;
        for (int64_t r = 0; r < shape.rank; ++r) {
          sum += double{pair.b[static_cast<size_t>(o * shape.rank + r)]} *
                 double{pair.a[static_cast<size_t>(r * pair.in + i)]};
        }
        float& value = w[static_cast<size_t>(o * pair.in + i)];
        value = static_cast<float>(double{value} + factor * sum);
      }
    }
    return w;
  }
};

/// Normal A and B, so that alpha / rank * B A is `size` times as large as the random base.
inline Adapter random_adapter(const std::string& base, const AdapterShape& shape) {
  const auto source = format::ModelSource::open(base);
  EXPECT_TRUE(source.ok()) << source.error().message;
  Adapter adapter{base, shape, {}};
  Rng rng(shape.seed, 5);
  const auto normal = [&](int64_t count, double deviation) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = static_cast<float>(deviation) * rng.normal();
    return values;
  };
  for (const format::StoredTensor& tensor : source->tensors()) {
    const auto ends = [&](const std::string& end) { return tensor.name.ends_with(end); };
    const bool is_linear = tensor.name.starts_with("blk.") && tensor.shape.rank() == 2;
    if (shape.layers.empty() ? !is_linear : std::ranges::none_of(shape.layers, ends)) continue;
    const int64_t out = tensor.shape[0], in = tensor.shape[1];
    const double rank = static_cast<double>(shape.rank), columns = static_cast<double>(in);
    adapter.pairs[tensor.name] = {
        in, out, normal(shape.rank * in, 1 / std::sqrt(columns)),
        normal(out * shape.rank, double{shape.size} * std::sqrt(rank) / double{shape.alpha})};
  }
  return adapter;
}

}  // namespace verge::test
