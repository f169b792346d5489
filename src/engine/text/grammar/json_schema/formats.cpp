#include <fmt/format.h>

#include <verge/engine/text/grammar/json_schema/formats.hpp>

namespace verge::text::grammar {
namespace {

std::string date() {
  const std::string leap =
      R"((\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)";
  return fmt::format(R"((\d{{4}}-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|)"
                     R"((0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))|{}))",
                     leap);
}

std::string time() {
  return R"(([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))";
}

// 253 characters at most; fewer than 4 labels never exceed them.
std::string hostname() {
  const std::string label = R"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)";
  return fmt::format(R"({}(\.{}){{0,2}})", label, label);
}

std::string email() {
  const std::string atom = R"([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20})";
  return fmt::format(R"({}(\.{}){{0,2}}@{})", atom, atom, hostname());
}

std::string ipv4() {
  const std::string part = R"((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))";
  return fmt::format(R"({}(\.{}){{3}})", part, part);
}

}  // namespace

std::string format_pattern(std::string_view format) {
  const auto whole = [](const std::string& pattern) { return "^(" + pattern + ")$"; };
  if (format == "date") return whole(date());
  if (format == "time") return whole(time());
  if (format == "date-time") return whole(date() + "T" + time());
  if (format == "uuid") return whole("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  if (format == "email") return whole(email());
  if (format == "hostname") return whole(hostname());
  if (format == "ipv4") return whole(ipv4());
  return {};
}

std::string_view format_names() {
  return "date, time, date-time, uuid, email, hostname, ipv4";
}

}  // namespace verge::text::grammar
