#pragma once
// Exchange: one HTTP request on its way through the API: who asks, in which protocol, and where the
// answer goes.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include <verge/platform/http/message.hpp>
#include <verge/platform/http/response_writer.hpp>
#include <verge/stages/serve/api/access/gate.hpp>
#include <verge/stages/serve/api/api_error.hpp>

namespace verge::serve::api {

enum class Protocol { OpenAi, Ollama, LlamaServer };

/// By the path: Ollama's routes are those below /api/, llama-server's own is /completion.
Protocol protocol_of(std::string_view path);

/// An error as the protocol's clients read it, with Retry-After and WWW-Authenticate where they
/// belong.
http::Response error_response(Protocol protocol, const ApiError& error,
                              std::string_view request_id);

struct Exchange {
  http::Request request;
  http::ResponseWriter writer;
  Caller caller;
  Protocol protocol = Protocol::OpenAi;
  http::Headers headers = {};  // of the answer

  void respond(const nlohmann::ordered_json& json, int status = 200);
  void respond(const ApiError& error);
};

}  // namespace verge::serve::api
