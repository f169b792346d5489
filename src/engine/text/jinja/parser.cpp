#include <algorithm>
#include <initializer_list>

#include <verge/engine/text/jinja/expression_parser.hpp>
#include <verge/engine/text/jinja/parser.hpp>

namespace verge::text::jinja {
namespace {

class Parser {
 public:
  Parser(Run& run, std::string_view source)
      : run_(run), tokens_(tokenize(run, source)), expressions_(run, tokens_) {}

  Block parse() {
    Block block = body({});
    if (!expressions_.at(TokenKind::End)) expressions_.fail_unexpected("the end of the template");
    return block;
  }

 private:
  using Ends = std::initializer_list<std::string_view>;

  /// Statements up to a block tag with one of these names, which is left to be taken: the parser
  /// stands on the name.
  Block body(Ends ends) {
    const Run::Nested nested(run_);
    Block block;
    while (!expressions_.at(TokenKind::End)) {
      const Token token = expressions_.take();
      if (token.kind == TokenKind::Text) {
        block.push_back({token.at, TextOutput{token.text}});
      } else if (token.kind == TokenKind::OutputBegin) {
        block.push_back({token.at, Output{expressions_.tuple()}});
        expressions_.expect(TokenKind::OutputEnd, "}}");
      } else {
        const auto is_end = [&](std::string_view end) { return expressions_.at_name(end); };
        if (std::any_of(ends.begin(), ends.end(), is_end)) return block;
        statement(block, token.at);
      }
    }
    if (ends.size() > 0) expressions_.fail_unexpected(fmt::format("{{% {} %}}", *(ends.end() - 1)));
    return block;
  }

  void close_tag() { expressions_.expect(TokenKind::BlockEnd, "%}"); }
  void close_tag(std::string_view name) {
    expressions_.expect_name(name);
    close_tag();
  }

  void statement(Block& block, Position at) {
    const std::string tag = expressions_.expect_any_name("a tag's name");
    if (tag == "if") {
      block.push_back({at, if_statement()});
    } else if (tag == "for") {
      block.push_back({at, for_statement()});
    } else if (tag == "set") {
      block.push_back({at, set_statement()});
    } else if (tag == "macro") {
      block.push_back({at, macro()});
    } else if (tag == "filter") {
      block.push_back({at, filter_block()});
    } else if (tag == "with") {
      block.push_back({at, with_block()});
    } else if (tag == "generation") {  // marks what the model wrote; nothing to render
      block.push_back({at, If{}});
      std::get<If>(block.back().node).branches.push_back({nullptr, tagged_body("endgeneration")});
    } else if (tag == "break" || tag == "continue") {
      loop_control(block, at, tag == "break");
    } else {
      unknown(tag, at);
    }
  }

  [[noreturn]] void unknown(const std::string& tag, Position at) {
    constexpr std::string_view kOtherTemplates[] = {"include", "import", "from", "extends",
                                                    "block"};
    run_.at = at;
    if (std::find(std::begin(kOtherTemplates), std::end(kOtherTemplates), tag) !=
        std::end(kOtherTemplates)) {
      run_.fail("'{}' needs other templates, and a model's file holds only this one", tag);
    }
    run_.fail("there is no tag '{}' that could stand here", tag);
  }

  Block tagged_body(std::string_view end) {
    close_tag();
    Block block = body({end});
    close_tag(end);
    return block;
  }

  void loop_control(Block& block, Position at, bool is_break) {
    run_.at = at;
    if (loops_ == 0) run_.fail("break and continue belong inside a for loop");
    close_tag();
    if (is_break) {
      block.push_back({at, Break{}});
    } else {
      block.push_back({at, Continue{}});
    }
  }

  If if_statement() {
    If node;
    for (;;) {
      ExprPtr condition = expressions_.tuple();
      close_tag();
      node.branches.push_back({std::move(condition), body({"elif", "else", "endif"})});
      if (!expressions_.accept_name("elif")) break;
    }
    if (expressions_.accept_name("else")) {
      close_tag();
      node.branches.push_back({nullptr, body({"endif"})});
    }
    close_tag("endif");
    return node;
  }

  /// a, b, (c) as the targets of an assignment.
  std::vector<std::string> targets() {
    const bool in_brackets = expressions_.accept_operator("(");
    std::vector<std::string> names;
    do {
      if (!names.empty() && expressions_.peek().kind != TokenKind::Name) break;  // a, = ...
      names.push_back(expressions_.expect_any_name("a variable's name"));
    } while (expressions_.accept_operator(","));
    if (in_brackets) expressions_.expect_operator(")");
    return names;
  }

  For for_statement() {
    For node;
    node.targets = targets();
    expressions_.expect_name("in");
    node.iterable = expressions_.expression(false);
    if (expressions_.accept_name("if")) node.filter = expressions_.expression();
    if (expressions_.at_name("recursive")) run_.fail("recursive loops are not supported");
    close_tag();
    ++loops_;
    const size_t begin = expressions_.place();
    node.body = body({"else", "endfor"});
    --loops_;
    node.reads_loop = std::any_of(
        tokens_.begin() + begin, tokens_.begin() + expressions_.place(),
        [](const Token& token) { return token.kind == TokenKind::Name && token.text == "loop"; });
    if (expressions_.accept_name("else")) {
      close_tag();
      node.otherwise = body({"endfor"});
    }
    close_tag("endfor");
    return node;
  }

  Set set_statement() {
    Set node;
    node.targets = targets();
    if (node.targets.size() == 1 && expressions_.accept_operator(".")) {
      node.attribute = expressions_.expect_any_name("an attribute's name");
    }
    if (expressions_.accept_operator("=")) {
      node.value = expressions_.tuple();
      close_tag();
      return node;
    }
    if (expressions_.at(TokenKind::Operator, "|")) {
      node.filter = expressions_.filters(nullptr, false);
    }
    node.body = tagged_body("endset");
    return node;
  }

  FilterBlock filter_block() {
    FilterBlock node;
    node.filter = expressions_.filters(nullptr, true);
    node.body = tagged_body("endfilter");
    return node;
  }

  With with_block() {
    With node;
    while (!expressions_.at(TokenKind::BlockEnd)) {
      std::string name = expressions_.expect_any_name("a variable's name");
      expressions_.expect_operator("=");
      node.variables.emplace_back(std::move(name), expressions_.expression());
      if (!expressions_.accept_operator(",")) break;
    }
    node.body = tagged_body("endwith");
    return node;
  }

  Macro macro() {
    Macro node;
    node.name = expressions_.expect_any_name("the macro's name");
    expressions_.expect_operator("(");
    while (!expressions_.at(TokenKind::Operator, ")")) {
      node.parameters.push_back(expressions_.expect_any_name("a parameter's name"));
      if (expressions_.accept_operator("=")) {
        node.defaults.push_back(expressions_.expression());
      } else if (!node.defaults.empty()) {
        expressions_.fail_unexpected("a default, as the parameter before has one");
      }
      if (!expressions_.accept_operator(",")) break;
    }
    expressions_.expect_operator(")");
    const int outer_loops = std::exchange(loops_, 0);
    node.body = tagged_body("endmacro");
    loops_ = outer_loops;
    return node;
  }

  Run& run_;
  std::vector<Token> tokens_;
  ExpressionParser expressions_;
  int loops_ = 0;
};

}  // namespace

Block parse(Run& run, std::string_view source) {
  return Parser(run, source).parse();
}

}  // namespace verge::text::jinja
