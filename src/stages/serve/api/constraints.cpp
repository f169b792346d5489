#include <verge/stages/serve/api/answer_facts.hpp>
#include <verge/stages/serve/api/api_error.hpp>
#include <verge/stages/serve/api/constraints.hpp>
#include <verge/stages/serve/api/tool_fields.hpp>

namespace verge::serve::api {
namespace {

constexpr size_t kMostGrammars = 32;

using Kind = text::GrammarCache::Kind;

struct Wanted {
  Kind kind = Kind::JsonObject;
  std::string text = {};
  const char* param = "response_format";
};

std::optional<Wanted> wanted(const GenerationRequest& request) {
  if (request.tools.is_possible() && request.tools.is_forced()) {
    return Wanted{Kind::JsonSchema, line_of(call_schema(request.tools)), "tools"};
  }
  switch (request.format.kind) {
    case OutputFormat::Kind::JsonObject:
      return Wanted{};
    case OutputFormat::Kind::JsonSchema:
      return Wanted{Kind::JsonSchema, line_of(request.format.schema)};
    case OutputFormat::Kind::Gbnf:
      return Wanted{Kind::Gbnf, request.format.grammar, "grammar"};
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
                                                               Problem& problem) const {
  const auto what = wanted(request);
  if (!what) return nullptr;
  const bool starts_text = std::holds_alternative<ChatPrompt>(request.prompt);
  auto made = cache().constraint(what->kind, what->text, {.starts_text = starts_text});
  if (made) return std::move(*made);
  problem.report(invalid_field(what->param, made.error().message, "invalid_schema"));
  return nullptr;
}

}  // namespace verge::serve::api
