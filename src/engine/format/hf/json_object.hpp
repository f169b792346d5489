#pragma once
// JsonObject: a JSON object of a file, with getters that name the file and the field in errors.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <verge/core/result.hpp>

namespace verge::format {

class JsonObject {
 public:
  /// Fails like read_whole_file, or with Malformed when the file holds no JSON object.
  static Result<JsonObject> open(const std::string& path);
  static Result<JsonObject> parse(std::string_view text, std::string path);

  JsonObject() = default;
  const std::string& path() const { return path_; }
  const nlohmann::json& json() const { return json_; }

  /// Nothing for an absent key or null; Malformed for another kind of value.
  Result<std::optional<uint32_t>> whole(const std::string& key) const;
  Result<std::optional<double>> real(const std::string& key) const;
  Result<std::optional<bool>> flag(const std::string& key) const;
  Result<std::optional<std::string>> text(const std::string& key) const;
  Result<std::optional<JsonObject>> object(const std::string& key) const;
  /// A list of numbers; a single number counts as a list of one; empty when absent.
  Result<std::vector<double>> reals(const std::string& key) const;

  /// As whole(), with a default; NotFound where `otherwise` is 0 and the key absent.
  Result<uint32_t> whole(const std::string& key, uint32_t otherwise) const;

 private:
  const nlohmann::json* find(const std::string& key) const;
  Error wrong(const std::string& key, std::string_view expected) const;

  nlohmann::json json_;
  std::string path_;
};

}  // namespace verge::format
