#pragma once
// Safetensors: one safetensors file, checked in full when opened; tensors are views of the mapping.
//
//   VERGE_TRY(Safetensors file, Safetensors::open("model.safetensors"));
//   const StoredTensor* weight = file.find("lm_head.weight");
//
// Layout (github.com/huggingface/safetensors): u64 length of the header, JSON header, data.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <verge/core/file.hpp>
#include <verge/engine/format/stored_tensor.hpp>

namespace verge::format {

class Safetensors {
 public:
  static Result<Safetensors> open(const std::string& path);
  /// The same for bytes that outlive the result. `path` names them in errors.
  static Result<Safetensors> parse(std::span<const std::byte> bytes,
                                   std::string_view path = "safetensors");

  Safetensors(Safetensors&&) = default;
  Safetensors& operator=(Safetensors&&) = default;

  /// The strings under "__metadata__".
  std::span<const std::pair<std::string, std::string>> metadata() const { return metadata_; }
  /// In the header's order.
  std::span<const StoredTensor> tensors() const { return tensors_; }
  const StoredTensor* find(std::string_view name) const;
  /// The mapping, for advise(); null for parse().
  const std::shared_ptr<const MappedFile>& file() const { return file_; }

 private:
  Safetensors() = default;
  Status read(std::span<const std::byte> bytes);

  std::vector<std::pair<std::string, std::string>> metadata_;
  std::vector<StoredTensor> tensors_;
  std::unordered_map<std::string_view, size_t> index_;
  std::shared_ptr<const MappedFile> file_;
};

}  // namespace verge::format
