#include <verge/core/result.hpp>

namespace verge {

std::string_view name(Code code) {
  switch (code) {
    case Code::InvalidArgument:
      return "invalid_argument";
    case Code::NotFound:
      return "not_found";
    case Code::Malformed:
      return "malformed";
    case Code::Unsupported:
      return "unsupported";
    case Code::OutOfMemory:
      return "out_of_memory";
    case Code::Io:
      return "io";
    case Code::Cancelled:
      return "cancelled";
    case Code::Conflict:
      return "conflict";
    case Code::Busy:
      return "busy";
    case Code::Denied:
      return "denied";
    case Code::Internal:
      return "internal";
  }
  return "internal";
}

int exit_status(Code code) {
  return code == Code::InvalidArgument ? 2 : 1;
}

int http_status(Code code) {
  switch (code) {
    case Code::InvalidArgument:
    case Code::Malformed:
      return 400;
    case Code::Denied:
      return 403;
    case Code::NotFound:
      return 404;
    case Code::Conflict:
      return 409;
    case Code::Busy:
      return 429;
    case Code::Unsupported:
      return 501;
    case Code::OutOfMemory:
    case Code::Cancelled:
      return 503;
    case Code::Io:
    case Code::Internal:
      return 500;
  }
  return 500;
}

namespace detail {
void check_failed(const char* file, int line, const char* condition, std::string operands) {
  throw InternalError(fmt::format("{}:{}: check failed: {}{}", file, line, condition, operands));
}
}  // namespace detail

}  // namespace verge
