#pragma once
// Builds GGUF files byte by byte, right or wrong on purpose; knows nothing of the reader's code.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace verge::test {

class GgufBytes {
 public:
  template <typename T>
  GgufBytes& put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  GgufBytes& text(std::string_view text) {
    put<uint64_t>(text.size());
    bytes_ += text;
    return *this;
  }
  GgufBytes& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  GgufBytes& header(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
    return raw("GGUF").put(version).put(tensors).put(keys);
  }
  template <typename T>
  GgufBytes& key(std::string_view name, uint32_t type, T value) {
    return text(name).put(type).put(value);
  }
  GgufBytes& tensor(std::string_view name, std::initializer_list<uint64_t> dims, uint32_t type,
                    uint64_t offset) {
    text(name).put(static_cast<uint32_t>(dims.size()));
    for (uint64_t dim : dims) put(dim);
    return put(type).put(offset);
  }
  GgufBytes& pad(size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment, '\0');
    return *this;
  }
  /// `count` bytes 0, 1, 2, ..., padded.
  GgufBytes& data(size_t count, size_t alignment = 32) {
    for (size_t i = 0; i < count; ++i) bytes_ += static_cast<char>(i);
    return pad(alignment);
  }
  const std::string& str() const { return bytes_; }
  std::span<const std::byte> span() const { return std::as_bytes(std::span(bytes_)); }

 private:
  std::string bytes_;
};

/// Two tensors and one value of every kind.
inline GgufBytes sample_file(uint32_t version = 3) {
  GgufBytes out;
  out.header(2, 8, version);
  out.text("general.architecture").put<uint32_t>(8).text("llama");
  out.key<uint32_t>("llama.block_count", 4, 7);
  out.key<float>("eps", 6, 0.5f);
  out.key<uint8_t>("flag", 7, 1);
  out.key<int64_t>("wide", 11, -5);
  out.text("tokens").put<uint32_t>(9).put<uint32_t>(8).put<uint64_t>(3);
  out.text("a").text("").text("long token");
  out.text("scores").put<uint32_t>(9).put<uint32_t>(6).put<uint64_t>(2).put(1.5f).put(-2.f);
  out.text("nested").put<uint32_t>(9).put<uint32_t>(9).put<uint64_t>(1);
  out.put<uint32_t>(0).put<uint64_t>(2).put<uint8_t>(1).put<uint8_t>(2);
  out.tensor("a.weight", {3, 2}, 0, 0).tensor("b.weight", {32, 2}, 2, 32).pad();
  return out.data(24).data(36);
}

}  // namespace verge::test
