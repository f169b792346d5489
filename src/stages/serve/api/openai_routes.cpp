#include <algorithm>

#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/json_body.hpp>
#include <verge/stages/serve/api/openai_request.hpp>
#include <verge/stages/serve/api/service.hpp>

namespace verge::serve::api {
namespace {

Json model_json(Service& service, const std::string& name) {
  Json json = {{"id", name},
               {"object", "model"},
               {"created", service.started_unix_s()},
               {"owned_by", "verge"}};
  Problem problem;
  if (const auto entry = service.directory().open(name, {}, problem)) {
    json["context_length"] = entry->face->limit();
  }
  return json;
}

void list_models(Service& service, Exchange exchange) {
  Json data = Json::array();
  for (const std::string& name : service.directory().names(exchange.caller)) {
    data.push_back(model_json(service, name));
  }
  exchange.respond(Json{{"object", "list"}, {"data", std::move(data)}});
}

void show_model(Service& service, Exchange exchange) {
  Problem problem;
  const std::string base =
      service.directory().resolve(exchange.request.param("id"), exchange.caller, problem);
  if (problem) return exchange.respond(problem.error());
  const std::string adapter = service.directory().adapter_of(exchange.request.param("id"));
  exchange.respond(model_json(service, adapter.empty() ? base : base + ":" + adapter));
}

void complete_chat(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  GenerationRequest request = read_chat_request(body, problem);
  if (problem) return exchange.respond(problem.error());
  service.generate(std::move(exchange), std::move(request), true);
}

void complete_text(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  GenerationRequest request = read_completion_request(body, problem);
  if (problem) return exchange.respond(problem.error());
  service.generate(std::move(exchange), std::move(request), false);
}

void openai_embed(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  EmbeddingRequest request = read_embedding_request(body, problem);
  if (problem) return exchange.respond(problem.error());
  service.embed(std::move(exchange), std::move(request), false);
}

// The largest prompt that is answered, and the largest that would not have to wait for pages.
void show_context(Service& service, Exchange exchange) {
  const std::vector<std::string> names = service.directory().names(exchange.caller);
  const std::string* wanted = exchange.request.query_value("model");
  const std::string name = wanted != nullptr ? *wanted : names.empty() ? "" : names.front();
  Problem problem;
  const auto entry = service.directory().open(name, exchange.caller, problem);
  if (problem) return exchange.respond(problem.error());
  const ModelFace& face = *entry->face;
  int64_t free_tokens = face.kv_tokens;
  for (const ModelSnapshot& model : service.parts().scheduler.snapshot().models) {
    if (model.name != face.name || model.pages_total == 0) continue;
    free_tokens = (model.pages_free + model.pages_cached) * model.page_tokens;
  }
  const int64_t most = face.limit() - 1;
  exchange.respond(Json{{"model", face.name},
                        {"context", face.limit()},
                        {"max_prompt_tokens", most},
                        {"max_prompt_tokens_now", std::clamp<int64_t>(free_tokens - 1, 0, most)},
                        {"kv_tokens", face.kv_tokens},
                        {"kv_tokens_free", free_tokens}});
}

}  // namespace

void add_openai_routes(Service& service, http::Router& router) {
  service.add_route(router, "GET", "/v1/models", list_models);
  service.add_route(router, "GET", "/v1/models/{id...}", show_model);
  service.add_route(router, "POST", "/v1/chat/completions", complete_chat);
  service.add_route(router, "POST", "/v1/completions", complete_text);
  service.add_route(router, "POST", "/v1/embeddings", openai_embed);
  service.add_route(router, "GET", "/v1/context", show_context);
}

}  // namespace verge::serve::api
