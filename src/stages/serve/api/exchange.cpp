#include <cmath>

#include <verge/stages/serve/api/answer_facts.hpp>
#include <verge/stages/serve/api/exchange.hpp>

namespace verge::serve::api {

Protocol protocol_of(std::string_view path) {
  if (path == "/completion") return Protocol::LlamaServer;
  return path.starts_with("/api/") ? Protocol::Ollama : Protocol::OpenAi;
}

http::Response error_response(Protocol protocol, const ApiError& error,
                              std::string_view request_id) {
  const auto json =
      protocol == Protocol::Ollama ? ollama_error(error) : openai_error(error, request_id);
  http::Response response = http::json_response(error.status, line_of(json));
  if (error.retry_after_s > 0) {
    response.headers.set("Retry-After", fmt::format("{:.0f}", std::ceil(error.retry_after_s)));
  }
  if (error.status == 401) response.headers.set("WWW-Authenticate", "Bearer");
  return response;
}

void Exchange::respond(const nlohmann::ordered_json& json, int status) {
  http::Response response = http::json_response(status, line_of(json));
  for (const http::Field& field : headers) response.headers.set(field.name, field.value);
  writer.respond(std::move(response));
}

void Exchange::respond(const ApiError& error) {
  http::Response response = error_response(protocol, error, request.id);
  for (const http::Field& field : headers) response.headers.set(field.name, field.value);
  writer.respond(std::move(response));
}

}  // namespace verge::serve::api
