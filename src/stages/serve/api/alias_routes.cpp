// What llama-server's and vLLM's own clients ask for beside OpenAI's routes.

#include <nlohmann/json.hpp>

#include <verge/engine/model/file_facts.hpp>
#include <verge/stages/serve/api/json_body.hpp>
#include <verge/stages/serve/api/openai_request.hpp>
#include <verge/stages/serve/api/service.hpp>

namespace verge::serve::api {
namespace {

void complete(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  GenerationRequest request = read_llama_completion(body, problem);
  if (problem) return exchange.respond(problem.error());
  service.generate(std::move(exchange), std::move(request), false);
}

void props(Service& service, Exchange exchange) {
  Problem problem;
  const std::string* wanted = exchange.request.query_value("model");
  const std::string name =
      service.directory().name_or_only(wanted != nullptr ? *wanted : "", exchange.caller, problem);
  const auto entry = problem ? nullptr : service.directory().open(name, exchange.caller, problem);
  if (problem) return exchange.respond(problem.error());
  const text::Tokenizer& tokenizer = entry->prompts.tokenizer();
  const text::Vocabulary& vocabulary = tokenizer.vocabulary();
  const auto chat_template = model::read_chat_template(entry->face->source.metadata);
  const bool has_template = chat_template.ok() && chat_template->has_value();
  exchange.respond(Json{{"default_generation_settings", {{"n_ctx", entry->face->limit()}}},
                        {"total_slots", entry->face->load.max_sequences},
                        {"model_alias", name},
                        {"model_path", name},
                        {"modalities", {{"vision", false}, {"audio", false}}},
                        {"chat_template", has_template ? std::string(**chat_template) : ""},
                        {"bos_token", std::string(tokenizer.piece(vocabulary.bos))},
                        {"eos_token", std::string(tokenizer.piece(vocabulary.eos))},
                        {"build_info", "verge " + service.options().version},
                        {"is_sleeping", false}});
}

}  // namespace

void add_alias_routes(Service& service, http::Router& router) {
  service.add_route(router, "POST", "/completion", complete);
  service.add_route(router, "GET", "/props", props);
  for (const char* method : {"GET", "POST"}) {
    router.add(method, "/ping", [](http::Request, http::ResponseWriter writer) {
      writer.respond(http::text_response(200, ""));
    });
  }
  router.add("GET", "/version", [&service](http::Request, http::ResponseWriter writer) {
    const Json json = {{"version", service.options().version}};
    writer.respond(http::json_response(200, json.dump()));
  });
}

}  // namespace verge::serve::api
