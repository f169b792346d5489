#include <algorithm>

#include <verge/platform/http/message.hpp>
#include <verge/platform/http/wire/field_value.hpp>

namespace verge::http {

const std::string* Headers::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (equal_without_case(field.name, name)) return &field.value;
  }
  return nullptr;
}

std::string_view Headers::value(std::string_view name, std::string_view otherwise) const {
  const std::string* found = find(name);
  return found == nullptr ? otherwise : *found;
}

size_t Headers::count(std::string_view name) const {
  return static_cast<size_t>(std::ranges::count_if(
      fields_, [&](const Field& field) { return equal_without_case(field.name, name); }));
}

void Headers::add(std::string name, std::string value) {
  fields_.push_back({std::move(name), std::move(value)});
}

void Headers::set(std::string name, std::string value) {
  std::erase_if(fields_, [&](const Field& field) { return equal_without_case(field.name, name); });
  add(std::move(name), std::move(value));
}

std::string_view Request::param(std::string_view name) const {
  const auto found = std::ranges::find(params, name, &Field::name);
  return found == params.end() ? std::string_view() : std::string_view(found->value);
}

const std::string* Request::query_value(std::string_view name) const {
  const auto found = std::ranges::find(query, name, &Field::name);
  return found == query.end() ? nullptr : &found->value;
}

Response json_response(int status, std::string body) {
  return {.status = status, .content_type = "application/json", .body = std::move(body)};
}

Response text_response(int status, std::string body) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(body)};
}

}  // namespace verge::http
