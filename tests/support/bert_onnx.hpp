#pragma once
// Encoders in the style that PyTorch's exporter writes BERT and DistilBERT in: linear layers as
// MatMul and Add, attention, GELU and norms written out, shapes computed by Shape, Gather and
// Concat. Random weights.

#include <cmath>
#include <string>
#include <vector>

#include <verge/core/rng.hpp>

#include "onnx_writer.hpp"

namespace verge::test {

struct EncoderSpec {
  int64_t blocks = 2, hidden = 8, heads = 2, feed_forward = 12, vocab = 11, positions = 6;
  int64_t classes = 3;
  bool is_distil = false;     // DistilBERT: its mask by Where, no token types, no pooler
  bool has_norm_op = false;   // LayerNormalization of opset 17 instead of ten nodes
  bool is_per_token = false;  // a label for each position
  bool takes_norm_first = false;
};

inline OnnxMessage onnx_integers_attribute(std::string_view name,
                                           const std::vector<int64_t>& values) {
  OnnxMessage attribute;
  attribute.text(1, name);
  for (const int64_t value : values) attribute.integer(8, value);
  return attribute.integer(20, 7);
}

class EncoderBuilder {
 public:
  explicit EncoderBuilder(const EncoderSpec& spec) : spec_(spec) {}

  OnnxParts run() {
    const auto input = [&](const std::string& name) {
      parts_.inputs.push_back(open_value(name, kOnnxInt64, {"batch_size", "sequence_length"}));
    };
    input("input_ids");
    input("attention_mask");
    if (!spec_.is_distil) input("token_type_ids");
    std::string x = embeddings();
    const std::string mask = attention_mask();
    for (int64_t i = 0; i < spec_.blocks; ++i)
      x = block("encoder.layer." + std::to_string(i), x, mask);
    head(x);
    return std::move(parts_);
  }

 private:
  static OnnxMessage open_value(const std::string& name, int type,
                                const std::vector<std::string>& extents) {
    OnnxMessage shape;
    for (const std::string& extent : extents) {
      OnnxMessage dim;
      if (extent[0] >= '0' && extent[0] <= '9') {
        dim.integer(1, std::stoll(extent));
      } else {
        dim.text(2, extent);
      }
      shape.message(1, dim);
    }
    const OnnxMessage tensor = OnnxMessage().integer(1, type).message(2, shape);
    return OnnxMessage().text(1, name).message(2, OnnxMessage().message(1, tensor));
  }

  // A node named as its output.
  std::string add(std::string_view op, const std::vector<std::string>& inputs,
                  const std::vector<OnnxMessage>& attributes = {}, std::string output = "") {
    if (output.empty()) output = "/" + std::string(op) + "_" + std::to_string(count_++);
    OnnxMessage node;
    for (const std::string& from : inputs) node.text(1, from);
    node.text(2, output).text(3, output).text(4, op);
    for (const OnnxMessage& attribute : attributes) node.message(5, attribute);
    parts_.nodes.push_back(node);
    return output;
  }

  std::string random(const std::string& name, const std::vector<int64_t>& dims, float mean = 0,
                     float deviation = 0.4f) {
    int64_t count = 1;
    for (const int64_t extent : dims) count *= extent;
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = mean + deviation * rng_.normal();
    parts_.constants.push_back(onnx_tensor<float>(name, kOnnxFloat, dims, values));
    return name;
  }
  std::string number(float value) {
    const std::string name = "number." + std::to_string(count_++);
    parts_.constants.push_back(onnx_tensor<float>(name, kOnnxFloat, {}, std::vector<float>{value}));
    return name;
  }
  std::string list(const std::vector<int64_t>& values, bool is_scalar = false) {
    const std::string name = "list." + std::to_string(count_++);
    const auto length = static_cast<int64_t>(values.size());
    parts_.constants.push_back(onnx_tensor<int64_t>(
        name, kOnnxInt64, is_scalar ? std::vector<int64_t>{} : std::vector<int64_t>{length},
        values));
    return name;
  }
  std::string extent(const std::string& x, int64_t axis) {
    return add("Gather", {add("Shape", {x}), list({axis}, true)},
               {onnx_integer_attribute("axis", 0)});
  }
  std::string as_list(const std::string& scalar) { return add("Unsqueeze", {scalar, list({0})}); }

  std::string embeddings() {
    std::string x =
        add("Gather", {random("embeddings.word", {spec_.vocab, spec_.hidden}), "input_ids"});
    if (!spec_.is_distil) {
      const std::string types = random("embeddings.type", {2, spec_.hidden});
      x = add("Add", {x, add("Gather", {types, "token_type_ids"})});
    }
    std::vector<int64_t> all(static_cast<size_t>(spec_.positions));
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
    parts_.constants.push_back(
        onnx_tensor<int64_t>("position_ids", kOnnxInt64, {1, spec_.positions}, all));
    const std::string length = as_list(extent("input_ids", 1));
    const std::string ids = add("Slice", {"position_ids", list({0}), length, list({1}), list({1})});
    const std::string table = random("embeddings.position", {spec_.positions, spec_.hidden});
    x = add("Add", {x, add("Gather", {table, ids})});
    return norm("embeddings.norm", x);
  }

  std::string attention_mask() {
    if (spec_.is_distil) return add("Equal", {"attention_mask", list({0}, true)});
    std::string mask = add("Unsqueeze", {"attention_mask", list({1})});
    mask = add("Cast", {add("Unsqueeze", {mask, list({2})})}, {onnx_integer_attribute("to", 1)});
    return add("Mul", {add("Sub", {number(1), mask}), number(-3.4028235e38f)});
  }

  std::string masked(const std::string& scores, const std::string& mask) {
    if (!spec_.is_distil) return add("Add", {scores, mask});
    const std::string shape =
        add("Concat", {as_list(extent(mask, 0)), list({1}), list({1}), as_list(extent(mask, 1))},
            {onnx_integer_attribute("axis", 0)});
    const std::string rows = add("Expand", {add("Reshape", {mask, shape}), add("Shape", {scores})});
    return add("Where", {rows, number(-3.4028235e38f), scores});
  }

  std::string norm(const std::string& name, const std::string& x) {
    const std::string weight = random(name + ".weight", {spec_.hidden}, 1, 0.2f);
    const std::string bias = random(name + ".bias", {spec_.hidden});
    if (spec_.has_norm_op) {
      return add("LayerNormalization", {x, weight, bias}, {onnx_integer_attribute("axis", -1)});
    }
    const auto mean = [&](const std::string& of) {
      return add("ReduceMean", {of}, {onnx_integers_attribute("axes", {-1})});
    };
    const std::string centred = add("Sub", {x, mean(x)});
    const std::string variance = mean(add("Pow", {centred, number(2)}));
    const std::string deviation = add("Sqrt", {add("Add", {variance, number(1e-5f)})});
    const std::string normal = add("Div", {centred, deviation});
    return add("Add", {add("Mul", {normal, weight}), bias});
  }

  std::string linear(const std::string& name, const std::string& x, int64_t in, int64_t out) {
    const std::string product = add("MatMul", {x, random(name + ".weight", {in, out})});
    return add("Add", {random(name + ".bias", {out}), product});
  }

  std::string heads_of(const std::string& x, const std::vector<int64_t>& perm) {
    const int64_t width = spec_.hidden / spec_.heads;
    const std::string shape =
        add("Concat",
            {as_list(extent(x, 0)), as_list(extent(x, 1)), list({spec_.heads}), list({width})},
            {onnx_integer_attribute("axis", 0)});
    return add("Transpose", {add("Reshape", {x, shape})}, {onnx_integers_attribute("perm", perm)});
  }

  std::string attention(const std::string& name, const std::string& x, const std::string& mask) {
    const int64_t d = spec_.hidden;
    std::string q = heads_of(linear(name + ".query", x, d, d), {0, 2, 1, 3});
    const std::string k = heads_of(linear(name + ".key", x, d, d), {0, 2, 3, 1});
    const std::string v = heads_of(linear(name + ".value", x, d, d), {0, 2, 1, 3});
    const std::string root = number(std::sqrt(static_cast<float>(d / spec_.heads)));
    if (spec_.is_distil) q = add("Div", {q, root});
    std::string scores = add("MatMul", {q, k});
    if (!spec_.is_distil) scores = add("Div", {scores, root});
    const std::string shares =
        add("Softmax", {masked(scores, mask)}, {onnx_integer_attribute("axis", -1)});
    const std::string mixed = add("Transpose", {add("MatMul", {shares, v})},
                                  {onnx_integers_attribute("perm", {0, 2, 1, 3})});
    const std::string shape =
        add("Concat", {as_list(extent(mixed, 0)), as_list(extent(mixed, 1)), list({d})},
            {onnx_integer_attribute("axis", 0)});
    return linear(name + ".output", add("Reshape", {mixed, shape}), d, d);
  }

  std::string feed_forward(const std::string& name, const std::string& x) {
    const std::string wide = linear(name + ".up", x, spec_.hidden, spec_.feed_forward);
    const std::string erf = add("Erf", {add("Div", {wide, number(std::sqrt(2.0f))})});
    const std::string gate = add("Mul", {wide, add("Add", {erf, number(1)})});
    return linear(name + ".down", add("Mul", {gate, number(0.5f)}), spec_.feed_forward,
                  spec_.hidden);
  }

  std::string block(const std::string& name, std::string x, const std::string& mask) {
    if (spec_.takes_norm_first) {
      x = add("Add", {attention(name + ".attention", norm(name + ".norm1", x), mask), x});
      return add("Add", {feed_forward(name, norm(name + ".norm2", x)), x});
    }
    x = norm(name + ".norm1", add("Add", {attention(name + ".attention", x, mask), x}));
    return norm(name + ".norm2", add("Add", {feed_forward(name, x), x}));
  }

  void head(const std::string& x) {
    const int64_t d = spec_.hidden;
    const OnnxMessage by_columns = onnx_integer_attribute("transB", 1);
    if (spec_.is_per_token) {
      const std::string product =
          add("MatMul", {x, random("classifier.weight", {d, spec_.classes})});
      add("Add", {product, random("classifier.bias", {spec_.classes})}, {}, "logits");
    } else {
      std::string y = add("Gather", {x, list({0}, true)}, {onnx_integer_attribute("axis", 1)});
      y = add("Gemm", {y, random("pooler.weight", {d, d}), random("pooler.bias", {d})},
              {by_columns});
      y = add(spec_.is_distil ? "Relu" : "Tanh", {y});
      add("Gemm",
          {y, random("classifier.weight", {spec_.classes, d}),
           random("classifier.bias", {spec_.classes})},
          {by_columns}, "logits");
    }
    const std::string classes = std::to_string(spec_.classes);
    parts_.outputs = {
        spec_.is_per_token
            ? open_value("logits", kOnnxFloat, {"batch_size", "sequence_length", classes})
            : open_value("logits", kOnnxFloat, {"batch_size", classes})};
  }

  EncoderSpec spec_;
  OnnxParts parts_;
  Rng rng_{7};
  int count_ = 0;
};

inline std::string encoder_onnx(const EncoderSpec& spec = {}) {
  return onnx_file(EncoderBuilder(spec).run());
}

}  // namespace verge::test
