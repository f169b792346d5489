#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/api_error.hpp>

namespace verge::serve::api {
namespace {

std::string_view code_of(Code code) {
  switch (code) {
    case Code::InvalidArgument:
    case Code::Malformed:
      return "invalid_value";
    case Code::Unsupported:
      return "unsupported_value";
    case Code::NotFound:
      return "not_found";
    case Code::Busy:
      return "server_busy";
    case Code::Denied:
      return "permission_denied";
    case Code::OutOfMemory:
      return "out_of_memory";
    case Code::Cancelled:
      return "cancelled";
    case Code::Conflict:
      return "conflict";
    default:
      return "internal_error";
  }
}

}  // namespace

ApiError invalid_field(std::string param, std::string message, std::string code) {
  return {400, std::move(code), std::move(message), std::move(param)};
}

ApiError from_error(const Error& error) {
  const bool is_bug = error.code == Code::Internal;
  ApiError made{http_status(error.code), std::string(code_of(error.code)),
                is_bug ? "the server failed on this request; its log says why" : error.message};
  if (error.code == Code::Busy) made.retry_after_s = 1;
  return made;
}

ApiError shutting_down() {
  return {.status = 503,
          .code = "shutting_down",
          .message = "the server is stopping; try again later, or another server",
          .retry_after_s = 1};
}

std::string_view error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 429:
      return "rate_limit_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

nlohmann::ordered_json openai_error(const ApiError& error, std::string_view request_id) {
  nlohmann::ordered_json param;
  if (!error.param.empty()) param = error.param;
  return {{"error",
           {{"message", error.message},
            {"type", error_type(error.status)},
            {"param", std::move(param)},
            {"code", error.code},
            {"request_id", request_id}}}};
}

nlohmann::ordered_json ollama_error(const ApiError& error) {
  return {{"error", error.message}};
}

}  // namespace verge::serve::api
