#pragma once
// Gguf: a GGUF file, version 2 or 3, little endian, checked in full when opened. Nothing is copied:
// strings, arrays and tensors are views of the mapping. Share between threads freely.
//
//   VERGE_TRY(Gguf file, Gguf::open("model.gguf"));
//   VERGE_TRY(std::string_view arch, file.metadata().get_string("general.architecture"));
//   const StoredTensor* embedding = file.find("token_embd.weight");
//
// Layout: github.com/ggml-org/ggml/blob/master/docs/gguf.md.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <verge/core/file.hpp>
#include <verge/engine/format/metadata.hpp>
#include <verge/engine/format/stored_tensor.hpp>

namespace verge::format {

class Gguf {
 public:
  Gguf(Gguf&&) = default;
  Gguf& operator=(Gguf&&) = default;

  /// Maps and checks the file. Cost: one pass over its header.
  static Result<Gguf> open(const std::string& path);
  /// The same for bytes that outlive the result. `path` names them in errors.
  static Result<Gguf> parse(std::span<const std::byte> bytes, std::string_view path = "GGUF");

  uint32_t version() const { return version_; }
  uint64_t alignment() const { return alignment_; }
  /// Where the data section starts in the file.
  uint64_t data_offset() const { return data_offset_; }
  const Metadata& metadata() const { return metadata_; }
  /// In the file's order; shapes outermost first, the reverse of GGUF's own dims.
  std::span<const StoredTensor> tensors() const { return tensors_; }
  const StoredTensor* find(std::string_view name) const;
  /// The mapping, for advise(); null for parse().
  const std::shared_ptr<const MappedFile>& file() const { return file_; }

 private:
  Gguf() = default;
  Status read(std::span<const std::byte> bytes);

  uint32_t version_ = 0;
  uint64_t alignment_ = 32;
  uint64_t data_offset_ = 0;
  Metadata metadata_;
  std::vector<StoredTensor> tensors_;
  std::unordered_map<std::string_view, size_t> index_;
  std::shared_ptr<const MappedFile> file_;
};

}  // namespace verge::format
