#pragma once
// Fields: reads one JSON object field by field, with its limits, and says what is wrong by name.
//
//   Fields fields(json, "", problem);
//   const double top_p = fields.number("top_p", 1, 0, 1);
//   fields.ignore({"store", "metadata"});
//   fields.finish();                    // "temprature" is reported, "x-foo" is ignored
//
// null counts as absent, as clients send it for what they leave open.

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <verge/stages/serve/api/api_error.hpp>

namespace verge::serve::api {

class Fields {
 public:
  /// `path` is how errors name the object: "messages[0]"; empty for the body. Anything but an
  /// object is reported. Both references must outlive this.
  Fields(const nlohmann::ordered_json& json, std::string path, Problem& problem);

  /// The value, or null if absent or JSON's null. The name counts as known from then on.
  const nlohmann::ordered_json* find(std::string_view name);
  bool has(std::string_view name) { return find(name) != nullptr; }

  bool boolean(std::string_view name, bool fallback);
  /// A whole number of [low, high]; 3.0 is one.
  int64_t integer(std::string_view name, int64_t fallback, int64_t low, int64_t high);
  /// A finite number of [low, high].
  double number(std::string_view name, double fallback, double low, double high);
  std::string text(std::string_view name, std::string_view fallback = {});
  std::string required_text(std::string_view name);
  /// A string, or a list of at most `most` strings.
  std::vector<std::string> texts(std::string_view name, size_t most);
  /// The object or array of this name, or null; another type is reported.
  const nlohmann::ordered_json* object(std::string_view name);
  const nlohmann::ordered_json* array(std::string_view name);

  /// Known names that change nothing here.
  void ignore(std::initializer_list<std::string_view> names);
  /// Reports a name that is nobody's but close to a known one; others are ignored.
  void finish();

  /// "messages[0].content"
  std::string path_of(std::string_view name) const;
  void wrong(std::string_view name, std::string message, std::string code = "invalid_value");
  /// Reports a field that would change the answer, which cannot be done here.
  void refuse(std::string_view name);
  Problem& problem() { return problem_; }

 private:
  void wrong_type(std::string_view name, const nlohmann::ordered_json& found,
                  std::string_view wanted);

  const nlohmann::ordered_json& json_;
  std::string path_;
  Problem& problem_;
  std::vector<std::string> known_;
};

}  // namespace verge::serve::api
