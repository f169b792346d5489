#include <algorithm>
#include <array>

#include <verge/stages/serve/api/chat_messages.hpp>
#include <verge/stages/serve/api/json_body.hpp>

namespace verge::serve::api {
namespace {

enum class Dialect { OpenAi, Ollama };

constexpr std::array<std::string_view, 6> kRoles = {"system",    "developer", "user",
                                                    "assistant", "tool",      "function"};

std::string read_part(const Json& part, const std::string& path, Problem& problem) {
  Fields fields(part, path, problem);
  const std::string type = fields.required_text("type");
  if (type == "text" || type == "input_text" || type == "output_text") {
    return fields.required_text("text");
  }
  if (type == "refusal") return fields.required_text("refusal");
  fields.wrong("type",
               fmt::format("{} is \"{}\"; this server reads parts of type \"text\" only",
                           fields.path_of("type"), type.substr(0, 40)),
               "unsupported_content");
  return {};
}

// A string, a list of text parts, or nothing.
std::string read_content(Fields& message) {
  const Json* content = message.find("content");
  if (content == nullptr) return {};
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) {
    message.wrong("content",
                  fmt::format("{} is {}; give a string or a list of parts",
                              message.path_of("content"), content->type_name()),
                  "invalid_type");
    return {};
  }
  std::string text;
  for (size_t i = 0; i < content->size(); ++i) {
    text += read_part((*content)[i], fmt::format("{}[{}]", message.path_of("content"), i),
                      message.problem());
  }
  return text;
}

// Arguments that are no JSON stay a string: the model wrote them, and may see them again.
Json read_arguments(Fields& function) {
  const Json* arguments = function.find("arguments");
  if (arguments == nullptr) return Json::object();
  if (arguments->is_object()) return *arguments;
  if (!arguments->is_string()) {
    function.wrong("arguments",
                   fmt::format("{} is {}; give JSON in a string", function.path_of("arguments"),
                               arguments->type_name()),
                   "invalid_type");
    return Json::object();
  }
  Json parsed = parse_inner(arguments->get<std::string>());
  return parsed.is_object() ? parsed : *arguments;
}

Json read_call(const Json& call, const std::string& path, Problem& problem) {
  Fields fields(call, path, problem);
  const std::string id = fields.text("id");
  const std::string type = fields.text("type", "function");
  if (type != "function") {
    fields.wrong("type", fmt::format("{} is \"{}\"; tools are functions here",
                                     fields.path_of("type"), type.substr(0, 40)));
  }
  const Json* function = fields.object("function");
  if (function == nullptr) {
    fields.wrong("function", fmt::format("{} is missing", fields.path_of("function")),
                 "missing_field");
    return Json::object();
  }
  Fields inner(*function, fields.path_of("function"), problem);
  const std::string name = inner.required_text("name");
  return {{"id", id},
          {"type", "function"},
          {"function", {{"name", name}, {"arguments", read_arguments(inner)}}}};
}

// OpenAI's older form: one {"name", "arguments"}.
void read_function_call(Fields& message, Json& out) {
  const Json* call = message.object("function_call");
  if (call == nullptr || out.contains("tool_calls")) return;
  Fields inner(*call, message.path_of("function_call"), message.problem());
  const std::string name = inner.required_text("name");
  Json function = {{"name", name}, {"arguments", read_arguments(inner)}};
  out["tool_calls"] =
      Json::array({Json{{"id", ""}, {"type", "function"}, {"function", std::move(function)}}});
}

void read_calls(Fields& message, Json& out) {
  const Json* calls = message.array("tool_calls");
  if (calls == nullptr || calls->empty()) return;
  Json& list = out["tool_calls"] = Json::array();
  for (size_t i = 0; i < calls->size(); ++i) {
    list.push_back(read_call((*calls)[i], fmt::format("{}[{}]", message.path_of("tool_calls"), i),
                             message.problem()));
  }
}

std::string read_role(Fields& message) {
  const std::string role = message.required_text("role");
  if (message.problem() || std::ranges::count(kRoles, role) > 0) return role;
  message.wrong("role", fmt::format("{} is \"{}\"; give system, developer, user, assistant or tool",
                                    message.path_of("role"), role.substr(0, 40)));
  return role;
}

Json read_message(const Json& json, const std::string& path, Problem& problem, Dialect dialect) {
  Fields message(json, path, problem);
  std::string role = read_role(message);
  if (role == "developer") role = "system";
  if (role == "function") role = "tool";
  Json out = {{"role", role}, {"content", read_content(message)}};
  if (role == "assistant") {
    read_calls(message, out);
    read_function_call(message, out);
    for (const char* name : {"reasoning_content", "reasoning", "thinking"}) {
      if (message.has(name)) out["reasoning_content"] = message.text(name);
    }
  }
  for (const char* name : {"name", "tool_call_id", "tool_name"}) {
    if (message.has(name)) out[name] = message.text(name);
  }
  if (const Json* images = dialect == Dialect::Ollama ? message.array("images") : nullptr;
      images != nullptr && !images->empty()) {
    message.wrong("images", fmt::format("{}: this server reads text only", path),
                  "unsupported_content");
  }
  return out;
}

Json read_messages(Fields& fields, std::string_view name, Dialect dialect) {
  const Json* list = fields.array(name);
  Json messages = Json::array();
  if (list == nullptr || list->empty()) {
    fields.wrong(
        name,
        fmt::format("{} is missing or empty; give at least one message", fields.path_of(name)),
        "missing_field");
    return messages;
  }
  if (list->size() > kMostMessages) {
    fields.wrong(name, fmt::format("{} has {} messages; give at most {}", fields.path_of(name),
                                   list->size(), kMostMessages));
    return messages;
  }
  for (size_t i = 0; i < list->size() && !fields.problem(); ++i) {
    messages.push_back(read_message((*list)[i], fmt::format("{}[{}]", fields.path_of(name), i),
                                    fields.problem(), dialect));
  }
  return messages;
}

}  // namespace

Json read_openai_messages(Fields& fields, std::string_view name) {
  return read_messages(fields, name, Dialect::OpenAi);
}

Json read_ollama_messages(Fields& fields, std::string_view name) {
  return read_messages(fields, name, Dialect::Ollama);
}

}  // namespace verge::serve::api
