#pragma once
// Facts of a model that no file holds.

#include <map>
#include <string>

#include <verge/engine/nn/config.hpp>

namespace verge::nn {

/// 2 layers, width 64, 4 heads of 16, 2 of them for keys and values, 100 tokens; of the tensors
/// only token_embd.weight, until others are added.
class FakeFacts : public ModelFacts {
 public:
  explicit FakeFacts(std::string family) : family_(std::move(family)) {
    set("embedding_length", 64), set("block_count", 2), set("attention.head_count", 4);
    set("attention.head_count_kv", 2), set("feed_forward_length", 96), set("context_length", 512);
    add("token_embd.weight", {100, 64});
  }
  FakeFacts& set(const std::string& key, double value) {
    numbers_[family_ + "." + key] = value;
    return *this;
  }
  /// An array of a key that has no family before it.
  FakeFacts& set_list(const std::string& key, std::vector<double> values) {
    lists_[key] = std::move(values);
    return *this;
  }
  FakeFacts& remove(const std::string& key) {
    numbers_.erase(family_ + "." + key);
    return *this;
  }
  FakeFacts& add(const std::string& tensor, graph::Dims dims, DType dtype = DType::F32) {
    tensors_[tensor] = {dtype, std::move(dims)};
    return *this;
  }
  FakeFacts& remove_tensor(const std::string& tensor) {
    tensors_.erase(tensor);
    return *this;
  }
  const std::map<std::string, graph::Type>& tensors() const { return tensors_; }

  std::string architecture() const override { return family_; }
  std::optional<double> number(std::string_view key) const override {
    const auto at = numbers_.find(std::string(key));
    return at == numbers_.end() ? std::nullopt : std::optional(at->second);
  }
  std::optional<std::string> text(std::string_view) const override { return std::nullopt; }
  std::vector<double> numbers(std::string_view key) const override {
    if (const auto list = lists_.find(std::string(key)); list != lists_.end()) return list->second;
    const auto value = number(key);
    return value ? std::vector<double>{*value} : std::vector<double>{};
  }
  std::optional<graph::Type> tensor(std::string_view name) const override {
    const auto at = tensors_.find(std::string(name));
    return at == tensors_.end() ? std::nullopt : std::optional(at->second);
  }
  std::vector<float> tensor_values(std::string_view) const override { return {}; }

 private:
  std::string family_;
  std::map<std::string, double> numbers_;
  std::map<std::string, std::vector<double>> lists_;
  std::map<std::string, graph::Type> tensors_;
};

}  // namespace verge::nn
