#include <ostream>

#include <verge/cli/json.hpp>

namespace verge::cli {

void print_json_line(const Json& json, std::ostream& out) {
  out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
}

}  // namespace verge::cli
