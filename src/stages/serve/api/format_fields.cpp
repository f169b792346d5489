#include <verge/stages/serve/api/format_fields.hpp>
#include <verge/stages/serve/api/json_body.hpp>

namespace verge::serve::api {
namespace {

using Kind = OutputFormat::Kind;

OutputFormat schema_format(const Json& schema, std::string param) {
  return {.kind = Kind::JsonSchema, .schema = schema, .param = std::move(param)};
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
  if (schema != nullptr) return schema_format(*schema, "response_format");
  format.wrong("json_schema", fmt::format("{}.schema is missing", format.path_of("json_schema")),
               "missing_field");
  return {};
}

OutputFormat read_response_format(Fields& fields) {
  const Json* json = fields.object("response_format");
  if (json == nullptr) return {};
  Fields format(*json, fields.path_of("response_format"), fields.problem());
  const std::string type = format.required_text("type");
  if (type == "text") return {};
  if (type == "json_object" && !format.has("schema")) return {.kind = Kind::JsonObject};
  if (type == "json_object" || type == "json_schema") return read_schema_object(format);
  format.wrong("type", fmt::format("{} is \"{}\"; give text, json_object or json_schema",
                                   format.path_of("type"), type.substr(0, 40)));
  return {};
}

// A schema as an object, or as text.
OutputFormat read_schema(Fields& fields, std::string_view name) {
  const Json* value = fields.find(name);
  if (value->is_object()) return schema_format(*value, fields.path_of(name));
  const Json parsed = value->is_string() ? parse_inner(value->get<std::string>()) : Json();
  if (!parsed.is_object()) {
    fields.wrong(name, fmt::format("{} is no JSON schema", fields.path_of(name)));
  }
  return schema_format(parsed, fields.path_of(name));
}

OutputFormat read_grammar(Fields& fields, std::string_view name) {
  const std::string text = fields.text(name);
  if (text.empty()) return {};  // how some clients of llama-server say "none"
  return {.kind = Kind::Gbnf, .grammar = text, .param = fields.path_of(name)};
}

OutputFormat read_regex(Fields& fields, std::string_view name) {
  return {.kind = Kind::Regex, .grammar = fields.text(name), .param = fields.path_of(name)};
}

std::string gbnf_literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      literal += fmt::format("\\{}", c);
    } else if (static_cast<unsigned char>(c) < ' ') {
      literal += fmt::format("\\x{:02X}", static_cast<unsigned>(c));
    } else {
      literal += c;
    }
  }
  return literal + "\"";
}

OutputFormat read_choice(Fields& fields, std::string_view name) {
  const std::vector<std::string> texts = fields.texts(name, kMostAlternatives);
  std::string grammar;
  for (const std::string& text : texts) {
    grammar += (grammar.empty() ? "root ::= " : " | ") + gbnf_literal(text);
  }
  if (texts.empty()) {
    fields.wrong(name,
                 fmt::format("{} is empty; give the texts to choose from", fields.path_of(name)));
  }
  return {.kind = Kind::Gbnf, .grammar = std::move(grammar), .param = fields.path_of(name)};
}

OutputFormat read_any_object(Fields& fields, std::string_view name) {
  if (!fields.boolean(name, false)) return {};
  return {.kind = Kind::JsonObject, .param = fields.path_of(name)};
}

struct Reader {
  std::string_view name;
  OutputFormat (*read)(Fields&, std::string_view);
};

// The constraints among `readers`; a second one is reported.
void read_one_of(Fields& fields, std::initializer_list<Reader> readers, OutputFormat& format) {
  for (const Reader& reader : readers) {
    if (!fields.has(reader.name)) continue;
    OutputFormat more = reader.read(fields, reader.name);
    if (more.kind == Kind::Text) continue;
    if (format.kind != Kind::Text) {
      fields.wrong(reader.name, fmt::format("{} and {} both say what the answer must be; give one",
                                            format.param, fields.path_of(reader.name)));
    }
    format = std::move(more);
  }
}

void read_structured_outputs(Fields& fields, OutputFormat& format) {
  const Json* given = fields.object("structured_outputs");
  if (given == nullptr) return;
  Fields inner(*given, fields.path_of("structured_outputs"), fields.problem());
  read_one_of(inner,
              {{"json", read_schema},
               {"regex", read_regex},
               {"choice", read_choice},
               {"grammar", read_grammar},
               {"json_object", read_any_object}},
              format);
  for (const char* name : {"structural_tag", "whitespace_pattern"}) {
    if (inner.has(name)) inner.refuse(name);
  }
  for (const char* name : {"disable_any_whitespace", "disable_additional_properties"}) {
    if (inner.boolean(name, false)) inner.refuse(name);
  }
  inner.ignore({"disable_fallback"});
  inner.finish();
}

}  // namespace

OutputFormat read_output_format(Fields& fields) {
  OutputFormat format = read_response_format(fields);
  read_one_of(fields,
              {{"grammar", read_grammar},
               {"json_schema", read_schema},
               {"guided_json", read_schema},
               {"guided_regex", read_regex},
               {"guided_choice", read_choice},
               {"guided_grammar", read_grammar},
               {"guided_json_object", read_any_object}},
              format);
  read_structured_outputs(fields, format);
  if (fields.has("guided_whitespace_pattern")) fields.refuse("guided_whitespace_pattern");
  fields.ignore({"guided_decoding_backend"});
  return format;
}

OutputFormat read_ollama_format(Fields& fields) {
  const Json* format = fields.find("format");
  if (format == nullptr || *format == "") return {};
  if (*format == "json") return {.kind = Kind::JsonObject, .param = "format"};
  if (format->is_object()) return schema_format(*format, "format");
  fields.wrong("format", "format must be \"json\" or a JSON schema");
  return {};
}

}  // namespace verge::serve::api
