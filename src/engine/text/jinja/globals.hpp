#pragma once
// The functions a template finds without being given them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <verge/engine/text/jinja/value.hpp>

namespace verge::text::jinja {

/// range, dict, namespace, raise_exception, and strftime_now if `now_unix_s` is given: seconds
/// since 1970 shifted to the time zone to show (Hugging Face shows local time). Namespaces are
/// added to `owned`, which must outlive the functions; clear them there when the rendering is over,
/// since they may hold each other.
std::vector<std::pair<std::string, Value>> global_functions(
    std::optional<int64_t> now_unix_s, std::vector<std::shared_ptr<Namespace>>& owned);

}  // namespace verge::text::jinja
