// What becomes of a text or a conversation before a model reads it, and back: Verge's own route,
// and those of llama-server's and vLLM's clients.

#include <algorithm>

#include <nlohmann/json.hpp>

#include <verge/stages/serve/api/chat_messages.hpp>
#include <verge/stages/serve/api/json_body.hpp>
#include <verge/stages/serve/api/openai_request.hpp>
#include <verge/stages/serve/api/service.hpp>
#include <verge/stages/serve/api/tool_fields.hpp>

namespace verge::serve::api {
namespace {

// {"tokens"}, {"messages"}, or a text: {"text"} of Verge, {"prompt"} of vLLM, and {"content"} of
// llama-server, which has no special tokens unless told. `text_name`: what is missed first.
Result<TokenIds> read_tokens(const ModelEntry& model, Fields& fields, const char* text_name,
                             int64_t now_unix_s) {
  Problem& problem = fields.problem();
  if (const Json* given = fields.array("tokens")) {
    const auto prompts = read_plain_prompts(*given, "tokens", problem);
    return problem ? TokenIds{} : model.prompts.plain(prompts.front());
  }
  if (fields.has("messages")) {
    const ChatPrompt chat{.messages = read_openai_messages(fields, "messages")};
    model.check_bytes(text_bytes(chat.messages), "messages", problem);
    return problem ? TokenIds{} : model.prompts.chat(chat, {}, now_unix_s);
  }
  for (const char* name : {"content", "prompt", "text"}) {
    if (fields.has(name)) text_name = name;
  }
  const std::string text = fields.required_text(text_name);
  const bool by_default = !fields.has("content");
  const bool special =
      fields.boolean("add_special", fields.boolean("add_special_tokens", by_default));
  model.check_bytes(text.size(), text_name, problem);
  return problem ? TokenIds{} : model.prompts.tokenizer().encode(text, {.add_special = special});
}

void to_tokens(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  Fields fields(body, "", problem);
  const auto entry = service.open_model(exchange, fields);
  if (entry == nullptr) return;
  const auto tokens = read_tokens(*entry, fields, "prompt", service.options().unix_time_s());
  if (fields.boolean("with_pieces", false)) fields.refuse("with_pieces");
  if (problem) return exchange.respond(problem.error());
  if (!tokens) return exchange.respond(from_error(tokens.error()));
  exchange.respond(Json{
      {"tokens", *tokens}, {"count", tokens->size()}, {"max_model_len", entry->face->limit()}});
}

void to_tokens_and_text(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  Fields fields(body, "", problem);
  const auto entry = service.open_model(exchange, fields);
  if (entry == nullptr) return;
  const auto tokens = read_tokens(*entry, fields, "text", service.options().unix_time_s());
  fields.ignore({"content", "prompt", "text", "messages", "add_special", "add_special_tokens"});
  fields.finish();
  if (problem) return exchange.respond(problem.error());
  if (!tokens) return exchange.respond(from_error(tokens.error()));
  const text::Tokenizer& tokenizer = entry->prompts.tokenizer();
  exchange.respond(Json{{"model", fields.text("model", entry->face->name)},
                        {"count", tokens->size()},
                        {"tokens", *tokens},
                        {"text", tokenizer.decode(*tokens, {.show_special = true})}});
}

void to_text(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  Fields fields(body, "", problem);
  const auto entry = service.open_model(exchange, fields);
  if (entry == nullptr) return;
  const text::Tokenizer& tokenizer = entry->prompts.tokenizer();
  const Json* given = fields.array("tokens");
  if (given == nullptr) fields.wrong("tokens", "tokens is missing; give token ids");
  TokenIds ids;
  if (!problem && !given->empty()) {
    const auto prompts = read_plain_prompts(*given, "tokens", problem);
    if (!problem && !std::holds_alternative<TokenIds>(prompts.front())) {
      fields.wrong("tokens", "tokens must be token ids");
    }
    if (!problem) ids = std::get<TokenIds>(prompts.front());
  }
  if (std::ranges::any_of(ids, [&](int32_t id) { return id < 0 || id >= tokenizer.size(); })) {
    fields.wrong("tokens", fmt::format("tokens must be below {}", tokenizer.size()));
  }
  if (problem) return exchange.respond(problem.error());
  const std::string text = tokenizer.decode(ids);
  exchange.respond(Json{{"content", text}, {"prompt", text}});
}

void apply_template(Service& service, Exchange exchange) {
  Problem problem;
  const Json body = parse_body(exchange.request.body, problem);
  Fields fields(body, "", problem);
  const auto entry = service.open_model(exchange, fields);
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

}  // namespace

void add_token_routes(Service& service, http::Router& router) {
  service.add_route(router, "POST", "/tokenize", to_tokens);
  service.add_route(router, "POST", "/detokenize", to_text);
  service.add_route(router, "POST", "/apply-template", apply_template);
  service.add_route(router, "POST", "/verge/tokenize", to_tokens_and_text);
}

}  // namespace verge::serve::api
