#pragma once
// Metadata: the ordered keys and typed values of a model file, GGUF's model of them. Values are
// kept as the bytes GGUF stores, so that reading copies nothing and writing gives the same bytes.
//
//   VERGE_TRY(uint32_t layers, metadata.get_u32("llama.block_count"));
//   VERGE_TRY(float eps, metadata.get_f32("llama.attention.layer_norm_rms_epsilon", 1e-5f));
//   metadata.set("general.name", "tiny");
//
// Copies are cheap and keep alive what the values point into.

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <verge/core/result.hpp>

namespace verge::format {

/// GGUF's value types, by their number in the file.
enum class ValueType : uint32_t {
  U8 = 0,
  I8 = 1,
  U16 = 2,
  I16 = 3,
  U32 = 4,
  I32 = 5,
  F32 = 6,
  Bool = 7,
  String = 8,
  Array = 9,
  U64 = 10,
  I64 = 11,
  F64 = 12,
};
constexpr uint32_t kValueTypes = 13;

std::string_view name(ValueType type);
/// Bytes of one value in a file; 0 for strings and arrays, whose size varies.
size_t bytes_of(ValueType type);

template <typename T>
constexpr ValueType value_type_of() {
  if constexpr (std::is_same_v<T, bool>)
    return ValueType::Bool;
  else if constexpr (std::is_same_v<T, float>)
    return ValueType::F32;
  else if constexpr (std::is_same_v<T, double>)
    return ValueType::F64;
  else if constexpr (sizeof(T) == 1)
    return std::is_signed_v<T> ? ValueType::I8 : ValueType::U8;
  else if constexpr (sizeof(T) == 2)
    return std::is_signed_v<T> ? ValueType::I16 : ValueType::U16;
  else if constexpr (sizeof(T) == 4)
    return std::is_signed_v<T> ? ValueType::I32 : ValueType::U32;
  else
    return std::is_signed_v<T> ? ValueType::I64 : ValueType::U64;
}

/// One value, well formed: `bytes` are a scalar, the text of a string, or the items of an array as
/// GGUF lays them out.
struct Value {
  ValueType type = ValueType::U8;
  ValueType element = ValueType::U8;  // of an array
  uint64_t count = 1;                 // items of an array
  std::span<const std::byte> bytes;

  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  /// "u32", "array of string"
  std::string type_name() const;
  /// For people: 7, 0.5, "text", [1, 2, ... 512 items]; at most `limit` items or characters.
  std::string str(size_t limit = 64) const;
};

struct Entry {
  std::string_view key;
  Value value;
};

class Metadata {
 public:
  std::span<const Entry> entries() const { return entries_; }
  const Value* find(std::string_view key) const;
  bool contains(std::string_view key) const { return find(key) != nullptr; }

  /// NotFound for an absent key, Malformed for a wrong type or a number that does not fit; both
  /// name key, expected and found type. Integers of any width are accepted if the value fits, f64
  /// for f32. With a default, absence gives the default and a wrong type is still an error.
  Result<uint32_t> get_u32(std::string_view key) const;
  Result<uint32_t> get_u32(std::string_view key, uint32_t otherwise) const;
  Result<int64_t> get_i64(std::string_view key) const;
  Result<int64_t> get_i64(std::string_view key, int64_t otherwise) const;
  Result<float> get_f32(std::string_view key) const;
  Result<float> get_f32(std::string_view key, float otherwise) const;
  Result<bool> get_bool(std::string_view key) const;
  Result<bool> get_bool(std::string_view key, bool otherwise) const;
  Result<std::string_view> get_string(std::string_view key) const;
  Result<std::string_view> get_string(std::string_view key, std::string_view otherwise) const;
  /// T: int32_t, uint32_t, int64_t or float. Costs one allocation and one pass.
  template <typename T>
  Result<std::vector<T>> get_array(std::string_view key) const;
  /// The strings lie in the file: one allocation whatever their number.
  Result<std::vector<std::string_view>> get_strings(std::string_view key) const;

  /// Adds a key at the end or replaces its value in place.
  template <typename T>
  requires std::is_arithmetic_v<T>
  void set(std::string_view key, T scalar) {
    set_copied(key, value_type_of<T>(), ValueType::U8, 1, std::as_bytes(std::span(&scalar, 1)));
  }
  void set(std::string_view key, std::string_view text);
  void set(std::string_view key, const char* text) { set(key, std::string_view(text)); }
  template <typename T>
  void set_array(std::string_view key, std::span<const T> items) {
    set_copied(key, ValueType::Array, value_type_of<T>(), items.size(), std::as_bytes(items));
  }
  void set_strings(std::string_view key, std::span<const std::string_view> items);
  /// Copies a value of another Metadata.
  void set(std::string_view key, const Value& value);
  void remove(std::string_view key);

  /// For readers: adds a value that lies in memory kept alive by keep_alive(); false if the key
  /// exists.
  bool add_borrowed(std::string_view key, const Value& value);
  void reserve(size_t keys);
  void keep_alive(std::shared_ptr<const void> owner) { owners_.push_back(std::move(owner)); }

 private:
  void set_copied(std::string_view key, ValueType type, ValueType element, uint64_t count,
                  std::span<const std::byte> bytes);
  Result<const Value*> need(std::string_view key, std::string_view expected) const;

  std::vector<Entry> entries_;
  std::unordered_map<std::string_view, size_t> index_;
  std::vector<std::shared_ptr<const void>> owners_;
};

}  // namespace verge::format
