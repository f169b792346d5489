#pragma once
// ApiError: why a request is refused, as HTTP clients read it.

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json_fwd.hpp>

#include <verge/core/result.hpp>

namespace verge::serve::api {

struct ApiError {
  int status = 500;
  std::string code;     // stable: "context_length_exceeded", "model_not_found", ...
  std::string message;  // what was found and what to do
  std::string param = {};
  double retry_after_s = 0;  // 0: trying again does not help, or nobody knows when
};

/// Status 400; `param` names the field: "messages[0].content".
ApiError invalid_field(std::string param, std::string message, std::string code = "invalid_value");
/// A failure of what is below the API; what is internal stays out of the message.
ApiError from_error(const Error& error);
/// Status 503: the server stops, another one or a later one may answer.
ApiError shutting_down();
/// OpenAI's `type` of a status: "invalid_request_error", "rate_limit_error", ...
std::string_view error_type(int status);

/// {"error": {"message", "type", "param", "code", "request_id"}}
nlohmann::ordered_json openai_error(const ApiError& error, std::string_view request_id);
/// {"error": "message"}, as Ollama's clients read it.
nlohmann::ordered_json ollama_error(const ApiError& error);

/// The first thing found wrong with a request. Readers go on with defaults after it, so that only
/// the end has to look.
class Problem {
 public:
  void report(ApiError error) {
    if (!error_) error_ = std::move(error);
  }
  explicit operator bool() const { return error_.has_value(); }
  const ApiError& error() const { return *error_; }

 private:
  std::optional<ApiError> error_;
};

}  // namespace verge::serve::api
