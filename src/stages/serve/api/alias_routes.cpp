// What llama-server's and vLLM's own clients ask for beside OpenAI's routes.

#include <algorithm>

#include <nlohmann/json.hpp>

#include <verge/engine/model/file_facts.hpp>
#include <verge/stages/serve/api/chat_messages.hpp>
#include <verge/stages/serve/api/json_body.hpp>
#include <verge/stages/serve/api/openai_request.hpp>
#include <verge/stages/serve/api/service.hpp>
#include <verge/stages/serve/api/tool_fields.hpp>

namespace verge::serve::api {
namespace {

void complete(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  GenerationRequest request = read_llama_completion(body, problem);
  if (problem) return exchange.respond(problem.error());
  service.generate(std::move(exchange), std::move(request), false);
}

// The model that the body names, or the only one; null after an answer.
std::shared_ptr<const ModelEntry> open_named(Service& service, Exchange& exchange, Fields& fields) {
  Problem& problem = fields.problem();
  const std::string name =
      service.directory().name_or_only(fields.text("model"), exchange.caller, problem);
  auto entry = problem ? nullptr : service.directory().open(name, exchange.caller, problem);
  if (problem) exchange.respond(problem.error());
  return problem ? nullptr : entry;
}

// llama-server's {"content"}, without special tokens unless told; vLLM's {"prompt"} or
// {"messages"}.
void to_tokens(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  Fields fields(body, "", problem);
  const auto entry = open_named(service, exchange, fields);
  if (entry == nullptr) return;
  Result<TokenIds> tokens = TokenIds{};
  if (fields.has("messages")) {
    ChatPrompt chat{.messages = read_openai_messages(fields, "messages")};
    entry->check_bytes(text_bytes(chat.messages), "messages", problem);
    if (!problem) tokens = entry->prompts.chat(chat, {}, service.options().unix_time_s());
  } else {
    const bool is_llama = fields.has("content");
    const std::string text = is_llama ? fields.text("content") : fields.required_text("prompt");
    const bool special = fields.boolean(is_llama ? "add_special" : "add_special_tokens", !is_llama);
    entry->check_bytes(text.size(), is_llama ? "content" : "prompt", problem);
    if (!problem) tokens = entry->prompts.tokenizer().encode(text, {.add_special = special});
  }
  if (fields.boolean("with_pieces", false)) fields.refuse("with_pieces");
  if (problem) return exchange.respond(problem.error());
  if (!tokens) return exchange.respond(from_error(tokens.error()));
  exchange.respond(Json{
      {"tokens", *tokens}, {"count", tokens->size()}, {"max_model_len", entry->face->limit()}});
}

void detokenize(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  Fields fields(body, "", problem);
  const auto entry = open_named(service, exchange, fields);
  if (entry == nullptr) return;
  const Json* given = fields.array("tokens");
  if (given == nullptr) fields.wrong("tokens", "tokens is missing; give token ids");
  std::string text;
  if (!problem && !given->empty()) {
    const auto prompts = read_plain_prompts(*given, "tokens", problem);
    const bool are_ids = !problem && std::holds_alternative<TokenIds>(prompts.front());
    if (!problem && !are_ids) fields.wrong("tokens", "tokens must be token ids");
    const text::Tokenizer& tokenizer = entry->prompts.tokenizer();
    const TokenIds ids = are_ids ? std::get<TokenIds>(prompts.front()) : TokenIds{};
    if (std::ranges::any_of(ids, [&](int32_t id) { return id < 0 || id >= tokenizer.size(); })) {
      fields.wrong("tokens", fmt::format("tokens must be below {}", tokenizer.size()));
    }
    if (!problem) text = tokenizer.decode(ids);
  }
  if (problem) return exchange.respond(problem.error());
  exchange.respond(Json{{"content", text}, {"prompt", text}});
}

void apply_template(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  Fields fields(body, "", problem);
  const auto entry = open_named(service, exchange, fields);
  if (entry == nullptr) return;
  ChatPrompt chat{.messages = read_openai_messages(fields, "messages")};
  if (const Json* more = fields.object("chat_template_kwargs")) chat.template_variables = *more;
  const ToolUse tools = read_tools(fields);
  entry->check_bytes(text_bytes(chat.messages), "messages", problem);
  if (problem) return exchange.respond(problem.error());
  const auto tokens = entry->prompts.chat(chat, tools, service.options().unix_time_s());
  if (!tokens) return exchange.respond(from_error(tokens.error()));
  const text::Tokenizer& tokenizer = entry->prompts.tokenizer();
  exchange.respond(Json{{"prompt", tokenizer.decode(*tokens, {.show_special = true})}});
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
  service.add_route(router, "POST", "/tokenize", to_tokens);
  service.add_route(router, "POST", "/detokenize", detokenize);
  service.add_route(router, "POST", "/apply-template", apply_template);
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
