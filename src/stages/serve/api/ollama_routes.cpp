#include <algorithm>

#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/answer_facts.hpp>
#include <verge/stages/serve/api/json_body.hpp>
#include <verge/stages/serve/api/json_fields.hpp>
#include <verge/stages/serve/api/model_facts.hpp>
#include <verge/stages/serve/api/ollama_request.hpp>
#include <verge/stages/serve/api/service.hpp>

namespace verge::serve::api {
namespace {

constexpr double kForEverS = 100.0 * 365 * 86400;  // clients take so much for it

// For how long the model is kept behind this request: told before it runs, lest the model be put
// out meanwhile; but behind it where it is to be put out at once.
enum class Told { Before, Behind };

void keep(Service& service, const Caller& caller, const std::string& model,
          const OllamaExtras& extras, Told told) {
  Problem problem;
  if (!extras.keep_alive_s) return;
  if (told != (*extras.keep_alive_s == 0 ? Told::Behind : Told::Before)) return;
  const std::string name = service.directory().resolve(
      service.directory().name_or_only(model, caller, problem), caller, problem);
  if (!problem) service.parts().scheduler.keep_for(name, *extras.keep_alive_s);
}

// A request without a prompt brings the model into memory, or out of it, and says so.
void load_only(Service& service, Exchange exchange, const std::string& wanted,
               const OllamaExtras& extras, bool chat) {
  Problem problem;
  const std::string model = service.directory().name_or_only(wanted, exchange.caller, problem);
  if (problem) return exchange.respond(problem.error());
  const std::string name = service.directory().resolve(model, exchange.caller, problem);
  if (problem) return exchange.respond(problem.error());
  const bool leaves = extras.keep_alive_s == 0.0;
  const auto then = [exchange, model, chat, leaves, &service](const Status& status) mutable {
    if (!status) return exchange.respond(from_error(status.error()));
    Json json = {{"model", model}, {"created_at", rfc3339(service.options().unix_time_s())}};
    if (chat) {
      json["message"] = {{"role", "assistant"}, {"content", ""}};
    } else {
      json["response"] = "";
    }
    json["done"] = true;
    json["done_reason"] = leaves ? "unload" : "load";
    exchange.respond(json);
  };
  if (leaves) return service.parts().scheduler.unload(name, then);
  service.load(name, then);
  if (extras.keep_alive_s) service.parts().scheduler.keep_for(name, *extras.keep_alive_s);
}

void generate(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  OllamaExtras extras;
  GenerationRequest request = read_ollama_generate(body, extras, problem);
  if (problem) return exchange.respond(problem.error());
  if (extras.load_only)
    return load_only(service, std::move(exchange), request.model, extras, false);
  const Caller caller = exchange.caller;
  const std::string model = request.model;
  keep(service, caller, model, extras, Told::Before);
  service.generate(std::move(exchange), std::move(request), false);
  keep(service, caller, model, extras, Told::Behind);
}

void chat(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  OllamaExtras extras;
  GenerationRequest request = read_ollama_chat(body, extras, problem);
  if (problem) return exchange.respond(problem.error());
  if (extras.load_only) return load_only(service, std::move(exchange), request.model, extras, true);
  const Caller caller = exchange.caller;
  const std::string model = request.model;
  keep(service, caller, model, extras, Told::Before);
  service.generate(std::move(exchange), std::move(request), true);
  keep(service, caller, model, extras, Told::Behind);
}

void embed_as(Service& service, Exchange exchange, bool legacy) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  EmbeddingRequest request = read_ollama_embed(body, legacy, problem);
  if (problem) return exchange.respond(problem.error());
  service.embed(std::move(exchange), std::move(request), legacy);
}

void ollama_embed(Service& service, Exchange exchange) {
  embed_as(service, std::move(exchange), false);
}

void embed_legacy(Service& service, Exchange exchange) {
  embed_as(service, std::move(exchange), true);
}

Json listed(Service& service, const std::string& name, const ModelFace& face) {
  return {{"name", name},
          {"model", name},
          {"modified_at", rfc3339(service.started_unix_s())},
          {"size", file_bytes(face)},
          {"digest", list_digest(face)},
          {"details", ollama_details(face)}};
}

void tags(Service& service, Exchange exchange) {
  Json models = Json::array();
  for (const std::string& name : service.directory().names(exchange.caller)) {
    Problem problem;  // a broken file is left out of the list
    const auto entry = service.directory().open(name, {}, problem);
    if (entry) models.push_back(listed(service, name, *entry->face));
  }
  exchange.respond(Json{{"models", std::move(models)}});
}

void ps(Service& service, Exchange exchange) {
  const std::vector<std::string> names = service.directory().names(exchange.caller);
  Json models = Json::array();
  for (const ModelSnapshot& model : service.parts().scheduler.snapshot().models) {
    if (model.state != LoadState::Ready || std::ranges::count(names, model.name) == 0) continue;
    Problem problem;
    const auto entry = service.directory().find(model.name, problem);
    if (!entry) continue;
    Json json = listed(service, model.name, *entry->face);
    json["size"] = model.need_bytes;
    json["size_vram"] = 0;
    json["context_length"] = entry->face->limit();
    const double kept_s = service.parts().models.kept_s(model.name).value_or(kForEverS);
    json["expires_at"] = rfc3339(service.options().unix_time_s() + static_cast<int64_t>(kept_s));
    models.push_back(std::move(json));
  }
  exchange.respond(Json{{"models", std::move(models)}});
}

Json capabilities(const PromptMaker& prompts) {
  Json all = Json::array({"completion"});
  if (prompts.reads_tools()) all.push_back("tools");
  if (prompts.reasoning()) all.push_back("thinking");
  return all;
}

void show(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  Fields fields(body, "", problem);
  const std::string name = fields.has("name") ? fields.text("name") : fields.required_text("model");
  if (problem) return exchange.respond(problem.error());
  const auto entry = service.directory().open(name, exchange.caller, problem);
  if (problem) return exchange.respond(problem.error());
  const ModelFace& face = *entry->face;
  const auto chat_template = face.source.metadata.get_string("tokenizer.chat_template", "");
  exchange.respond(Json{{"license", ""},
                        {"modelfile", "FROM " + face.name},
                        {"parameters", fmt::format("num_ctx {}", face.limit())},
                        {"template", chat_template ? std::string(*chat_template) : ""},
                        {"details", ollama_details(face)},
                        {"model_info", metadata_json(face)},
                        {"capabilities", capabilities(entry->prompts)},
                        {"modified_at", rfc3339(service.started_unix_s())}});
}

void version(Service& service, Exchange exchange) {
  exchange.respond(Json{{"version", service.options().version}});
}

void refuse(Service&, Exchange exchange) {
  exchange.respond(
      ApiError{501, "unsupported",
               fmt::format("{} is not supported: models are served from files; bring one with "
                           "`verge model import`, and name it to `verge serve`",
                           exchange.request.path)});
}

}  // namespace

void add_ollama_routes(Service& service, http::Router& router) {
  service.add_route(router, "POST", "/api/generate", generate);
  service.add_route(router, "POST", "/api/chat", chat);
  service.add_route(router, "POST", "/api/embed", ollama_embed);
  service.add_route(router, "POST", "/api/embeddings", embed_legacy);
  service.add_route(router, "GET", "/api/tags", tags);
  service.add_route(router, "GET", "/api/ps", ps);
  service.add_route(router, "POST", "/api/show", show);
  service.add_route(router, "GET", "/api/version", version);
  for (const char* path : {"/api/pull", "/api/push", "/api/create", "/api/copy"}) {
    service.add_route(router, "POST", path, refuse);
  }
  service.add_route(router, "DELETE", "/api/delete", refuse);
}

}  // namespace verge::serve::api
