#include <algorithm>

#include <verge/stages/serve/api/json_body.hpp>
#include <verge/stages/serve/api/tool_fields.hpp>

namespace verge::serve::api {
namespace {

bool is_name(std::string_view name) {
  constexpr size_t kLongest = 64;
  const auto is_allowed = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= kLongest && std::ranges::all_of(name, is_allowed);
}

Tool read_tool(const Json& json, const std::string& path, Problem& problem) {
  Fields fields(json, path, problem);
  const std::string type = fields.text("type", "function");
  if (type != "function") {
    fields.wrong("type", fmt::format("{} is \"{}\"; give \"function\"", fields.path_of("type"),
                                     type.substr(0, 40)));
  }
  const Json* function = fields.object("function");
  if (function == nullptr) {
    fields.wrong("function", fmt::format("{} is missing", fields.path_of("function")),
                 "missing_field");
    return {};
  }
  Fields inner(*function, fields.path_of("function"), problem);
  Tool tool{inner.required_text("name"), Json::object()};
  if (!problem && !is_name(tool.name)) {
    inner.wrong("name", fmt::format("{} must be 1 to 64 letters, digits, _, - and .",
                                    inner.path_of("name")));
  }
  inner.text("description");
  inner.boolean("strict", false);
  if (const Json* parameters = inner.object("parameters")) tool.parameters = *parameters;
  return tool;
}

void read_choice(Fields& fields, ToolUse& use) {
  use.choice = use.tools.empty() ? ToolChoice::None : ToolChoice::Auto;
  const Json* choice = fields.find("tool_choice");
  if (choice == nullptr) return;
  const std::string word = choice->is_string() ? choice->get<std::string>() : "";
  if (word == "none") {
    use.choice = ToolChoice::None;
  } else if (word == "required") {
    use.choice = ToolChoice::Required;
  } else if (choice->is_object()) {
    Fields named(*choice, fields.path_of("tool_choice"), fields.problem());
    const Json* function = named.object("function");
    use.choice = ToolChoice::Named;
    if (function != nullptr) {
      use.named =
          Fields(*function, named.path_of("function"), fields.problem()).required_text("name");
    } else {
      use.named = named.required_text("name");
    }
  } else if (word != "auto") {
    fields.wrong("tool_choice",
                 "tool_choice must be \"none\", \"auto\", \"required\" or "
                 "{\"type\": \"function\", \"function\": {\"name\": ...}}");
  }
}

void check_choice(Fields& fields, const ToolUse& use) {
  if (use.is_forced() && use.tools.empty()) {
    fields.wrong("tool_choice", "tool_choice asks for a call, but there are no tools");
  }
  if (use.choice == ToolChoice::Named && !use.tools.empty() &&
      std::ranges::count(use.tools, use.named, &Tool::name) == 0) {
    fields.wrong("tool_choice", fmt::format("tool_choice names \"{}\", which is none of the tools",
                                            use.named.substr(0, 64)));
  }
}

OutputFormat schema_format(const Json& schema) {
  return {.kind = OutputFormat::Kind::JsonSchema, .schema = schema};
}

OutputFormat read_schema_object(Fields& format) {
  const Json* wrapper = format.object("json_schema");
  const Json* schema = format.object("schema");  // llama.cpp's short form
  if (wrapper != nullptr) {
    Fields inner(*wrapper, format.path_of("json_schema"), format.problem());
    inner.text("name");
    inner.text("description");
    inner.boolean("strict", false);
    schema = inner.object("schema");
  }
  if (schema != nullptr) return schema_format(*schema);
  format.wrong("json_schema", fmt::format("{}.schema is missing", format.path_of("json_schema")),
               "missing_field");
  return {};
}

OutputFormat read_format_object(Fields& fields, const Json& json) {
  Fields format(json, fields.path_of("response_format"), fields.problem());
  const std::string type = format.required_text("type");
  if (type == "text") return {};
  if (type == "json_object" && !format.has("schema")) {
    return {.kind = OutputFormat::Kind::JsonObject};
  }
  if (type == "json_object" || type == "json_schema") return read_schema_object(format);
  format.wrong("type", fmt::format("{} is \"{}\"; give text, json_object or json_schema",
                                   format.path_of("type"), type.substr(0, 40)));
  return {};
}

// A schema as an object, or as text.
OutputFormat read_guided_json(Fields& fields, const char* name) {
  const Json* value = fields.find(name);
  if (value->is_object()) return schema_format(*value);
  Json parsed = value->is_string() ? parse_inner(value->get<std::string>()) : Json();
  if (!parsed.is_object()) {
    fields.wrong(name, fmt::format("{} is no JSON schema", fields.path_of(name)));
  }
  return schema_format(parsed);
}

// What vLLM's clients ask for and would get no answer of: ignoring it would be worse.
void refuse_unknown_guides(Fields& fields, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (!fields.has(name)) continue;
    fields.wrong(name,
                 fmt::format("{} is not supported; give a JSON schema or a grammar (GBNF)",
                             fields.path_of(name)),
                 "unsupported_value");
  }
}

// The form that took the place of vLLM's guided_...: one of its members.
OutputFormat read_structured_outputs(Fields& outer, const Json& given) {
  Fields fields(given, outer.path_of("structured_outputs"), outer.problem());
  OutputFormat format;
  if (fields.boolean("json_object", false)) format.kind = OutputFormat::Kind::JsonObject;
  if (fields.has("grammar")) {
    format = {.kind = OutputFormat::Kind::Gbnf, .grammar = fields.text("grammar")};
  }
  if (fields.has("json")) format = read_guided_json(fields, "json");
  refuse_unknown_guides(fields, {"choice", "regex", "structural_tag"});
  fields.finish();
  return format;
}

// Points the references of a schema that moves to `place` to where their targets are then.
bool move_references(Json& schema, const std::string& place) {
  bool moved = false;
  for (auto& [name, value] : schema.items()) {
    if (name == "$ref" && value.is_string() && value.get<std::string>().starts_with("#")) {
      value = "#" + place + value.get<std::string>().substr(1);
      moved = true;
    } else if (value.is_structured()) {
      moved = move_references(value, place) || moved;
    }
  }
  return moved;
}

// In place, or among the definitions if it refers to parts of itself.
Json arguments_schema(const Tool& tool, Json& definitions) {
  if (tool.parameters.empty()) return {{"type", "object"}};
  Json schema = tool.parameters;
  if (!move_references(schema, "/$defs/" + tool.name)) return schema;
  definitions[tool.name] = std::move(schema);
  return {{"$ref", "#/$defs/" + tool.name}};
}

}  // namespace

ToolUse read_tools(Fields& fields) {
  ToolUse use;
  const Json* list = fields.array("tools");
  if (list != nullptr && list->size() > kMostTools) {
    fields.wrong("tools",
                 fmt::format("tools has {} entries; give at most {}", list->size(), kMostTools));
    return use;
  }
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const std::string path = fmt::format("{}[{}]", fields.path_of("tools"), i);
    Tool tool = read_tool((*list)[i], path, fields.problem());
    if (std::ranges::count(use.tools, tool.name, &Tool::name) > 0) {
      fields.wrong("tools", fmt::format("{} has the name of an earlier tool", path));
    }
    use.tools.push_back(std::move(tool));
  }
  if (list != nullptr && !list->empty()) use.declared = *list;
  read_choice(fields, use);
  check_choice(fields, use);
  return use;
}

OutputFormat read_response_format(Fields& fields) {
  OutputFormat format;
  if (const Json* json = fields.object("response_format")) {
    format = read_format_object(fields, *json);
  }
  for (const char* name : {"grammar", "guided_grammar"}) {
    if (!fields.has(name)) continue;
    format = {.kind = OutputFormat::Kind::Gbnf, .grammar = fields.text(name)};
  }
  if (fields.has("guided_json")) format = read_guided_json(fields, "guided_json");
  if (const Json* given = fields.object("structured_outputs")) {
    format = read_structured_outputs(fields, *given);
  }
  refuse_unknown_guides(fields, {"guided_choice", "guided_regex"});
  return format;
}

OutputFormat read_ollama_format(Fields& fields) {
  const Json* format = fields.find("format");
  if (format == nullptr || *format == "") return {};
  if (*format == "json") return {.kind = OutputFormat::Kind::JsonObject};
  if (format->is_object()) return schema_format(*format);
  fields.wrong("format", "format must be \"json\" or a JSON schema");
  return {};
}

Json call_schema(const ToolUse& use) {
  Json calls = Json::array();
  Json definitions = Json::object();
  for (const Tool& tool : use.tools) {
    if (use.choice == ToolChoice::Named && tool.name != use.named) continue;
    calls.push_back(
        {{"type", "object"},
         {"properties",
          {{"name", {{"const", tool.name}}}, {"arguments", arguments_schema(tool, definitions)}}},
         {"required", {"name", "arguments"}},
         {"additionalProperties", false}});
  }
  Json schema = calls.size() == 1 ? calls[0] : Json{{"anyOf", std::move(calls)}};
  if (!definitions.empty()) schema["$defs"] = std::move(definitions);
  return schema;
}

}  // namespace verge::serve::api
