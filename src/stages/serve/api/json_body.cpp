#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/json_body.hpp>

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

struct Extent {
  int depth = 0;
  size_t values = 1;
  size_t members = 0;  // of the largest object
};

bool is_excess(const Extent& extent) {
  return extent.depth > kMaxJsonDepth || extent.values > kMaxJsonValues ||
         extent.members > kMaxJsonMembers;
}

// Counts brackets and commas outside of strings, in one pass; stops at the first excess.
Extent extent_of(std::string_view text) {
  Extent extent;
  int depth = 0;
  bool in_string = false;
  std::array<size_t, kMaxJsonDepth + 2> members{};  // of the objects that are open
  const auto here = [&] { return std::clamp(depth, 0, kMaxJsonDepth + 1); };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
      continue;
    }
    in_string = c == '"';
    if (c == '{' || c == '[') {
      extent.depth = std::max(extent.depth, ++depth);
      members[here()] = 0;
    }
    if (c == ':') extent.members = std::max(extent.members, ++members[here()]);
    if (c == '}' || c == ']') --depth;
    if (c == ',' || c == '{' || c == '[') ++extent.values;
    if (is_excess(extent)) break;
  }
  return extent;
}

// "[json.exception.parse_error.101] parse error at line 1, column 5: ..." without its first word.
std::string reason_of(const Json::exception& error) {
  const std::string_view text = error.what();
  const size_t end = text.find("] ");
  return std::string(end == std::string_view::npos ? text : text.substr(end + 2));
}

ApiError not_json(std::string message) {
  return {400, "invalid_json", std::move(message)};
}

}  // namespace

Json parse_body(std::string_view body, Problem& problem) {
  const Extent extent = extent_of(body);
  if (extent.depth > kMaxJsonDepth) {
    problem.report(
        not_json(fmt::format("the body nests deeper than {} arrays and objects", kMaxJsonDepth)));
    return Json::object();
  }
  if (extent.values > kMaxJsonValues) {
    problem.report(not_json(fmt::format("the body has more than {} JSON values", kMaxJsonValues)));
    return Json::object();
  }
  if (extent.members > kMaxJsonMembers) {
    problem.report(
        not_json(fmt::format("an object of the body has more than {} members", kMaxJsonMembers)));
    return Json::object();
  }
  try {
    Json json = Json::parse(body);
    if (json.is_object()) return json;
    problem.report(
        not_json(fmt::format("the body is {} of JSON, not an object", json.type_name())));
  } catch (const Json::exception& error) {
    problem.report(not_json("the body is not JSON: " + reason_of(error)));
  }
  return Json::object();
}

size_t text_bytes(const Json& json) {
  if (json.is_string()) return json.get_ref<const std::string&>().size();
  size_t bytes = 0;
  for (const Json& part : json)
    bytes += part.is_structured() || part.is_string() ? text_bytes(part) : 0;
  return bytes;
}

Json parse_inner(std::string_view text) {
  if (is_excess(extent_of(text))) return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, false);
}

}  // namespace verge::serve::api
