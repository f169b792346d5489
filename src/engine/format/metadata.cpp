#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include <verge/engine/format/metadata.hpp>

namespace verge::format {
namespace {

struct TypeFacts {
  std::string_view name;
  size_t bytes;
};
constexpr TypeFacts kTypeFacts[kValueTypes] = {
    {"u8", 1},   {"i8", 1},     {"u16", 2},   {"i16", 2}, {"u32", 4}, {"i32", 4}, {"f32", 4},
    {"bool", 1}, {"string", 0}, {"array", 0}, {"u64", 8}, {"i64", 8}, {"f64", 8},
};

template <typename T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

bool is_integer(ValueType type) {
  return bytes_of(type) > 0 && type != ValueType::F32 && type != ValueType::F64 &&
         type != ValueType::Bool;
}

/// Calls fn with the number at `from`, in its own C++ type.
template <typename Fn>
auto with_number(ValueType type, const std::byte* from, Fn&& fn) {
  switch (type) {
    case ValueType::U8:
    case ValueType::Bool:
      return fn(load<uint8_t>(from));
    case ValueType::I8:
      return fn(load<int8_t>(from));
    case ValueType::U16:
      return fn(load<uint16_t>(from));
    case ValueType::I16:
      return fn(load<int16_t>(from));
    case ValueType::U32:
      return fn(load<uint32_t>(from));
    case ValueType::I32:
      return fn(load<int32_t>(from));
    case ValueType::F32:
      return fn(load<float>(from));
    case ValueType::U64:
      return fn(load<uint64_t>(from));
    case ValueType::I64:
      return fn(load<int64_t>(from));
    default:
      return fn(load<double>(from));
  }
}

/// The number as a T, or nothing if it is of another kind or does not fit.
template <typename T>
std::optional<T> number_as(ValueType type, const std::byte* from) {
  if constexpr (std::is_integral_v<T>) {
    if (!is_integer(type)) return std::nullopt;
    return with_number(type, from, [](auto number) -> std::optional<T> {
      if constexpr (std::is_integral_v<decltype(number)>) {
        if (std::in_range<T>(number)) return static_cast<T>(number);
      }
      return std::nullopt;
    });
  } else {
    if (type == ValueType::F32) return load<float>(from);
    if (type == ValueType::F64) return static_cast<T>(load<double>(from));
    return std::nullopt;
  }
}

std::string number_text(ValueType type, const std::byte* from) {
  if (type == ValueType::Bool) return load<uint8_t>(from) != 0 ? "true" : "false";
  return with_number(type, from, [](auto number) { return fmt::format("{}", number); });
}

std::string cut_text(std::string_view text, size_t limit) {
  if (text.size() <= limit) return fmt::format("\"{}\"", text);
  return fmt::format("\"{}\"... {} bytes", text.substr(0, limit), text.size());
}

Error wrong_type(std::string_view key, std::string_view expected, const Value& value) {
  return make_error(Code::Malformed, "key {}: expected {}, found {} {}; convert the model again",
                    key, expected, value.type_name(), value.str());
}

template <typename T>
Result<T> scalar_as(std::string_view key, std::string_view expected, const Value& value) {
  if (bytes_of(value.type) > 0) {
    if (const auto number = number_as<T>(value.type, value.bytes.data())) return *number;
  }
  return wrong_type(key, expected, value);
}

}  // namespace

std::string_view name(ValueType type) {
  return kTypeFacts[static_cast<uint32_t>(type)].name;
}

size_t bytes_of(ValueType type) {
  return kTypeFacts[static_cast<uint32_t>(type)].bytes;
}

std::string Value::type_name() const {
  if (type != ValueType::Array) return std::string(name(type));
  return fmt::format("array of {}", name(element));
}

std::string Value::str(size_t limit) const {
  if (type == ValueType::String) return cut_text(text(), limit);
  if (type != ValueType::Array) return number_text(type, bytes.data());
  if (element == ValueType::Array) return fmt::format("[{} arrays]", count);
  std::string shown = "[";
  const std::byte* at = bytes.data();
  const size_t items = std::min<uint64_t>(count, limit);
  for (size_t i = 0; i < items; ++i) {
    if (i > 0) shown += ", ";
    if (element == ValueType::String) {
      const uint64_t length = load<uint64_t>(at);
      shown +=
          cut_text({reinterpret_cast<const char*>(at) + 8, static_cast<size_t>(length)}, limit);
      at += 8 + length;
    } else {
      shown += number_text(element, at);
      at += bytes_of(element);
    }
  }
  return shown + (items < count ? fmt::format(", ... {} items]", count) : "]");
}

const Value* Metadata::find(std::string_view key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &entries_[found->second].value;
}

Result<const Value*> Metadata::need(std::string_view key, std::string_view expected) const {
  if (const Value* value = find(key)) return value;
  return make_error(Code::NotFound, "key {}: missing, expected {}; convert the model again", key,
                    expected);
}

Result<uint32_t> Metadata::get_u32(std::string_view key) const {
  VERGE_TRY(const Value* value, need(key, "u32"));
  return scalar_as<uint32_t>(key, "u32", *value);
}
Result<int64_t> Metadata::get_i64(std::string_view key) const {
  VERGE_TRY(const Value* value, need(key, "i64"));
  return scalar_as<int64_t>(key, "i64", *value);
}
Result<float> Metadata::get_f32(std::string_view key) const {
  VERGE_TRY(const Value* value, need(key, "f32"));
  return scalar_as<float>(key, "f32", *value);
}
Result<bool> Metadata::get_bool(std::string_view key) const {
  VERGE_TRY(const Value* value, need(key, "bool"));
  if (value->type != ValueType::Bool) return wrong_type(key, "bool", *value);
  return load<uint8_t>(value->bytes.data()) != 0;
}
Result<std::string_view> Metadata::get_string(std::string_view key) const {
  VERGE_TRY(const Value* value, need(key, "string"));
  if (value->type != ValueType::String) return wrong_type(key, "string", *value);
  return value->text();
}

Result<uint32_t> Metadata::get_u32(std::string_view key, uint32_t otherwise) const {
  if (!contains(key)) return otherwise;
  return get_u32(key);
}
Result<int64_t> Metadata::get_i64(std::string_view key, int64_t otherwise) const {
  if (!contains(key)) return otherwise;
  return get_i64(key);
}
Result<float> Metadata::get_f32(std::string_view key, float otherwise) const {
  if (!contains(key)) return otherwise;
  return get_f32(key);
}
Result<bool> Metadata::get_bool(std::string_view key, bool otherwise) const {
  if (!contains(key)) return otherwise;
  return get_bool(key);
}
Result<std::string_view> Metadata::get_string(std::string_view key,
                                              std::string_view otherwise) const {
  if (!contains(key)) return otherwise;
  return get_string(key);
}

template <typename T>
Result<std::vector<T>> Metadata::get_array(std::string_view key) const {
  const std::string expected = fmt::format("array of {}", name(value_type_of<T>()));
  VERGE_TRY(const Value* value, need(key, expected));
  if (value->type != ValueType::Array || bytes_of(value->element) == 0) {
    return wrong_type(key, expected, *value);
  }
  std::vector<T> items(value->count);
  if (value->element == value_type_of<T>()) {
    if (!items.empty()) std::memcpy(items.data(), value->bytes.data(), value->bytes.size());
    return items;
  }
  const size_t stride = bytes_of(value->element);
  for (size_t i = 0; i < items.size(); ++i) {
    const auto number = number_as<T>(value->element, value->bytes.data() + i * stride);
    if (!number) return wrong_type(key, expected, *value);
    items[i] = *number;
  }
  return items;
}
template Result<std::vector<int32_t>> Metadata::get_array(std::string_view) const;
template Result<std::vector<uint32_t>> Metadata::get_array(std::string_view) const;
template Result<std::vector<int64_t>> Metadata::get_array(std::string_view) const;
template Result<std::vector<float>> Metadata::get_array(std::string_view) const;

Result<std::vector<std::string_view>> Metadata::get_strings(std::string_view key) const {
  VERGE_TRY(const Value* value, need(key, "array of string"));
  if (value->type != ValueType::Array || value->element != ValueType::String) {
    return wrong_type(key, "array of string", *value);
  }
  std::vector<std::string_view> items;
  items.reserve(value->count);
  const std::byte* at = value->bytes.data();
  for (uint64_t i = 0; i < value->count; ++i) {
    const uint64_t length = load<uint64_t>(at);
    items.emplace_back(reinterpret_cast<const char*>(at) + 8, length);
    at += 8 + length;
  }
  return items;
}

void Metadata::set(std::string_view key, std::string_view text) {
  set_copied(key, ValueType::String, ValueType::U8, 1, std::as_bytes(std::span(text)));
}

void Metadata::set_strings(std::string_view key, std::span<const std::string_view> items) {
  std::vector<std::byte> bytes;
  for (std::string_view item : items) {
    const uint64_t length = item.size();
    const auto head = std::as_bytes(std::span(&length, 1));
    const auto body = std::as_bytes(std::span(item));
    bytes.insert(bytes.end(), head.begin(), head.end());
    bytes.insert(bytes.end(), body.begin(), body.end());
  }
  set_copied(key, ValueType::Array, ValueType::String, items.size(), bytes);
}

void Metadata::set(std::string_view key, const Value& value) {
  set_copied(key, value.type, value.element, value.count, value.bytes);
}

void Metadata::set_copied(std::string_view key, ValueType type, ValueType element, uint64_t count,
                          std::span<const std::byte> bytes) {
  struct Owned {
    std::string key;
    std::vector<std::byte> bytes;
  };
  auto owned = std::make_shared<Owned>(Owned{std::string(key), {bytes.begin(), bytes.end()}});
  const Value value{type, element, count, owned->bytes};
  const auto found = index_.find(key);
  if (found != index_.end()) {
    entries_[found->second].value = value;
  } else {
    add_borrowed(owned->key, value);
  }
  owners_.push_back(std::move(owned));
}

void Metadata::remove(std::string_view key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(found->second));
  index_.clear();
  for (size_t i = 0; i < entries_.size(); ++i) index_.emplace(entries_[i].key, i);
}

bool Metadata::add_borrowed(std::string_view key, const Value& value) {
  if (!index_.emplace(key, entries_.size()).second) return false;
  entries_.push_back({key, value});
  return true;
}

void Metadata::reserve(size_t keys) {
  entries_.reserve(keys);
  index_.reserve(keys);
}

}  // namespace verge::format
