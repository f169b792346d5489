#include <verge/stages/serve/api/answer_facts.hpp>
#include <verge/stages/serve/api/api_error.hpp>
#include <verge/stages/serve/api/constraints.hpp>
#include <verge/stages/serve/api/gated_constraint.hpp>
#include <verge/stages/serve/api/tool_fields.hpp>

namespace verge::serve::api {
namespace {

constexpr size_t kMostGrammars = 32;

using GrammarKind = text::GrammarCache::Kind;

struct Wanted {
  GrammarKind kind = GrammarKind::JsonObject;
  std::string text = {};
  std::string param = "response_format";
};

// Llama 3 writes calls as JSON without a tag: beside a schema they are one more of its forms.
bool has_bare_calls(const GenerationRequest& request, CallSyntax syntax) {
  return syntax == CallSyntax::Llama3 && request.tools.is_possible();
}

std::optional<Wanted> wanted(const GenerationRequest& request, CallSyntax syntax) {
  const char* arguments = syntax == CallSyntax::Llama3 ? "parameters" : "arguments";
  if (request.tools.is_possible() && request.tools.is_forced()) {
    return Wanted{GrammarKind::JsonSchema, line_of(call_schema(request.tools, arguments)), "tools"};
  }
  const OutputFormat& format = request.format;
  switch (format.kind) {
    case OutputFormat::Kind::JsonObject:
      return Wanted{GrammarKind::JsonObject, {}, format.param};
    case OutputFormat::Kind::JsonSchema:
      return Wanted{GrammarKind::JsonSchema,
                    line_of(has_bare_calls(request, syntax)
                                ? call_or_answer_schema(request.tools, arguments, format.schema)
                                : format.schema),
                    format.param};
    case OutputFormat::Kind::Gbnf:
      return Wanted{GrammarKind::Gbnf, format.grammar, format.param};
    case OutputFormat::Kind::Regex:
      return Wanted{GrammarKind::Regex, format.grammar, format.param};
    default:
      return std::nullopt;
  }
}

}  // namespace

text::GrammarCache& Constraints::cache() const {
  std::call_once(built_, [this] {
    cache_ = std::make_unique<text::GrammarCache>(text::TokenTrie::build(*tokenizer_),
                                                  kMostGrammars, most_bytes_);
  });
  return *cache_;
}

std::shared_ptr<const text::TokenConstraint> Constraints::make(const GenerationRequest& request,
                                                               const Dialect& dialect,
                                                               Problem& problem) const {
  const auto what = wanted(request, dialect.syntax);
  if (!what) return nullptr;
  const bool starts_text = std::holds_alternative<ChatPrompt>(request.prompt);
  auto made = cache().constraint(what->kind, what->text, {.starts_text = starts_text});
  if (made) {
    const bool forced = request.tools.is_possible() && request.tools.is_forced();
    std::vector<Bypass> gates;
    if (dialect.reasoning && (!forced || dialect.begins_reasoning)) {
      gates.push_back(
          {std::string(dialect.reasoning->open), std::string(dialect.reasoning->close)});
    }
    if (request.tools.is_possible() && !forced) {
      gates.push_back({std::string(opening_of(dialect.syntax))});
    }
    if (gates.empty()) return std::move(*made);
    return gated(std::move(*made), tokenizer_, std::move(gates),
                 dialect.begins_reasoning && dialect.reasoning);
  }
  problem.report(invalid_field(what->param, made.error().message, "invalid_schema"));
  return nullptr;
}

}  // namespace verge::serve::api
