#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include <verge/core/nearest_names.hpp>
#include <verge/stages/serve/api/json_fields.hpp>

namespace verge::serve::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostShown = 100;  // bytes of a foreign name or value in a message

std::string shown(const Json& json) {
  std::string text = json.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kMostShown) text = text.substr(0, kMostShown) + "...";
  return text;
}

bool is_whole(const Json& json) {
  if (json.is_number_unsigned()) return json.get<uint64_t>() <= uint64_t{INT64_MAX};
  if (json.is_number_integer()) return true;
  if (!json.is_number_float()) return false;
  const double value = json.get<double>();
  return std::trunc(value) == value && std::abs(value) < 0x1p53;
}

// Names of about the same length only: "reasoning" is somebody's extension, no slip for
// "reasoning_effort".
std::vector<std::string> typos_of(const std::string& name, const std::vector<std::string>& known) {
  constexpr size_t kShortest = 4;
  std::vector<std::string> similar;
  for (const std::string& other : known) {
    const size_t longer = std::max(name.size(), other.size());
    const size_t shorter = std::min(name.size(), other.size());
    if (shorter >= kShortest && longer - shorter <= 2) similar.push_back(other);
  }
  return nearest_names(name, similar);
}

}  // namespace

Fields::Fields(const Json& json, std::string path, Problem& problem)
    : json_(json), path_(std::move(path)), problem_(problem) {
  if (!json.is_object()) {
    problem.report(invalid_field(
        path_, fmt::format("{} is {}; give an object", path_, json.type_name()), "invalid_type"));
  }
}

const Json* Fields::find(std::string_view name) {
  if (std::ranges::find(known_, name) == known_.end()) known_.emplace_back(name);
  if (!json_.is_object()) return nullptr;
  const auto found = json_.find(name);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

bool Fields::boolean(std::string_view name, bool fallback) {
  const Json* value = find(name);
  if (value == nullptr) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  wrong_type(name, *value, "true or false");
  return fallback;
}

int64_t Fields::integer(std::string_view name, int64_t fallback, int64_t low, int64_t high) {
  const Json* value = find(name);
  if (value == nullptr) return fallback;
  if (!value->is_number()) {
    wrong_type(name, *value, "a whole number");
    return fallback;
  }
  const int64_t whole = is_whole(*value) ? value->get<int64_t>() : 0;
  if (is_whole(*value) && whole >= low && whole <= high) return whole;
  wrong(name, fmt::format("{} is {}; give a whole number of {} to {}", path_of(name), shown(*value),
                          low, high));
  return fallback;
}

double Fields::number(std::string_view name, double fallback, double low, double high) {
  const Json* value = find(name);
  if (value == nullptr) return fallback;
  if (!value->is_number()) {
    wrong_type(name, *value, "a number");
    return fallback;
  }
  const double number = value->get<double>();
  if (number >= low && number <= high) return number;
  wrong(name, fmt::format("{} is {}; give {} to {}", path_of(name), shown(*value), low, high));
  return fallback;
}

std::string Fields::text(std::string_view name, std::string_view fallback) {
  const Json* value = find(name);
  if (value == nullptr) return std::string(fallback);
  if (value->is_string()) return value->get<std::string>();
  wrong_type(name, *value, "a string");
  return std::string(fallback);
}

std::string Fields::required_text(std::string_view name) {
  if (!has(name)) {
    wrong(name, fmt::format("{} is missing; give a string", path_of(name)), "missing_field");
    return {};
  }
  return text(name);
}

std::vector<std::string> Fields::texts(std::string_view name, size_t most) {
  const Json* value = find(name);
  if (value == nullptr) return {};
  if (value->is_string()) return {value->get<std::string>()};
  const bool is_list = value->is_array() && std::ranges::all_of(*value, &Json::is_string);
  if (!is_list) {
    wrong_type(name, *value, "a string or a list of strings");
    return {};
  }
  if (value->size() > most) {
    wrong(name,
          fmt::format("{} has {} strings; give at most {}", path_of(name), value->size(), most));
    return {};
  }
  return value->get<std::vector<std::string>>();
}

const Json* Fields::object(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr || value->is_object()) return value;
  wrong_type(name, *value, "an object");
  return nullptr;
}

const Json* Fields::array(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr || value->is_array()) return value;
  wrong_type(name, *value, "a list");
  return nullptr;
}

void Fields::ignore(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) known_.emplace_back(name);
}

void Fields::finish() {
  if (!json_.is_object() || problem_) return;
  constexpr size_t kLongestName = 64;
  for (const auto& [name, value] : json_.items()) {
    if (name.size() > kLongestName || std::ranges::find(known_, name) != known_.end()) continue;
    const std::vector<std::string> near = typos_of(name, known_);
    if (near.empty()) continue;
    problem_.report(invalid_field(
        path_of(name),
        fmt::format("there is no field {}; did you mean {}?", path_of(name), near.front()),
        "unknown_field"));
    return;
  }
}

std::string Fields::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

void Fields::wrong(std::string_view name, std::string message, std::string code) {
  problem_.report(invalid_field(path_of(name), std::move(message), std::move(code)));
}

void Fields::refuse(std::string_view name) {
  wrong(name, fmt::format("{} is not supported; leave it out", path_of(name)), "unsupported_value");
}

void Fields::wrong_type(std::string_view name, const Json& found, std::string_view wanted) {
  wrong(name, fmt::format("{} is {}; give {}", path_of(name), shown(found), wanted),
        "invalid_type");
}

}  // namespace verge::serve::api
