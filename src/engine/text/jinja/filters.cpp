#include <verge/engine/text/jinja/filters.hpp>
#include <verge/engine/text/jinja/print.hpp>

namespace verge::text::jinja {

Filter find_filter(Run& run, std::string_view name) {
  if (Filter filter = find_text_filter(name)) return filter;
  if (Filter filter = find_sequence_filter(name)) return filter;
  run.fail("there is no filter '{}'", name);
}

bool flag(const Arguments& arguments, size_t position, std::string_view name) {
  const Value* value = arguments.find(position, name);
  return value && value->truthy();
}

int64_t integer(Run& run, const Arguments& arguments, size_t position, std::string_view name,
                int64_t otherwise) {
  const Value* value = arguments.find(position, name);
  return value ? expect_int(run, *value, name) : otherwise;
}

std::string text_argument(Run& run, const Arguments& arguments, size_t position,
                          std::string_view name, std::string_view otherwise) {
  const Value* value = arguments.find(position, name);
  return value ? to_text(run, *value) : std::string(otherwise);
}

}  // namespace verge::text::jinja
