#include <algorithm>

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

Tool read_function(const Json& json, const std::string& path, Problem& problem) {
  Fields inner(json, path, problem);
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
  return read_function(*function, fields.path_of("function"), problem);
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

ToolUse read_list(Fields& fields, const char* name,
                  Tool (*read)(const Json&, const std::string&, Problem&)) {
  ToolUse use;
  const Json* list = fields.array(name);
  if (list != nullptr && list->size() > kMostTools) {
    fields.wrong(name,
                 fmt::format("{} has {} entries; give at most {}", name, list->size(), kMostTools));
    return use;
  }
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const std::string path = fmt::format("{}[{}]", fields.path_of(name), i);
    Tool tool = read((*list)[i], path, fields.problem());
    if (std::ranges::count(use.tools, tool.name, &Tool::name) > 0) {
      fields.wrong(name, fmt::format("{} has the name of an earlier tool", path));
    }
    use.tools.push_back(std::move(tool));
  }
  return use;
}

// "none", "auto" or {"name": ...}.
void read_function_choice(Fields& fields, ToolUse& use) {
  use.choice = use.tools.empty() ? ToolChoice::None : ToolChoice::Auto;
  const Json* choice = fields.find("function_call");
  if (choice == nullptr) return;
  if (choice->is_object()) {
    use.choice = ToolChoice::Named;
    use.named =
        Fields(*choice, fields.path_of("function_call"), fields.problem()).required_text("name");
    if (!fields.problem() && std::ranges::count(use.tools, use.named, &Tool::name) == 0) {
      fields.wrong("function_call",
                   fmt::format("function_call names \"{}\", which is none of the functions",
                               use.named.substr(0, 64)));
    }
  } else if (*choice == "none") {
    use.choice = ToolChoice::None;
  } else if (*choice != "auto") {
    fields.wrong("function_call", "function_call must be \"none\", \"auto\" or {\"name\": ...}");
  }
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

Json call_schemas(const ToolUse& use, const char* arguments, Json& definitions) {
  Json calls = Json::array();
  for (const Tool& tool : use.tools) {
    if (use.choice == ToolChoice::Named && tool.name != use.named) continue;
    calls.push_back(
        {{"type", "object"},
         {"properties",
          {{"name", {{"const", tool.name}}}, {arguments, arguments_schema(tool, definitions)}}},
         {"required", {"name", arguments}},
         {"additionalProperties", false}});
  }
  return calls;
}

}  // namespace

ToolUse read_tools(Fields& fields) {
  ToolUse use = read_list(fields, "tools", read_tool);
  const Json* list = fields.array("tools");
  if (list != nullptr && !list->empty()) use.declared = *list;
  read_choice(fields, use);
  check_choice(fields, use);
  use.only_one = !fields.boolean("parallel_tool_calls", true);
  return use;
}

ToolUse read_tools_or_functions(Fields& fields) {
  if (!fields.has("functions")) {
    if (fields.has("function_call")) {
      fields.wrong("function_call", "function_call is for functions, of which there are none");
    }
    return read_tools(fields);
  }
  if (fields.has("tools")) {
    fields.wrong("functions", "functions is the older name of tools; give one of them");
  }
  ToolUse use = read_list(fields, "functions", read_function);
  use.is_legacy = true;
  use.only_one = true;
  const Json* list = fields.array("functions");
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    use.declared.push_back({{"type", "function"}, {"function", (*list)[i]}});
  }
  read_function_choice(fields, use);
  return use;
}

Json call_schema(const ToolUse& use, const char* arguments) {
  Json definitions = Json::object();
  Json calls = call_schemas(use, arguments, definitions);
  Json schema = calls.size() == 1 ? calls[0] : Json{{"anyOf", std::move(calls)}};
  if (!definitions.empty()) schema["$defs"] = std::move(definitions);
  return schema;
}

Json call_or_answer_schema(const ToolUse& use, const char* arguments, Json answer) {
  constexpr const char* kAnswer = "answer/";  // no name of a tool
  Json definitions = Json::object();
  Json forms = call_schemas(use, arguments, definitions);
  move_references(answer, "/$defs/answer~1");
  definitions[kAnswer] = std::move(answer);
  forms.push_back({{"$ref", "#/$defs/answer~1"}});
  return {{"anyOf", std::move(forms)}, {"$defs", std::move(definitions)}};
}

}  // namespace verge::serve::api
