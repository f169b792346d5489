#include <algorithm>

#include <verge/engine/text/jinja/evaluator.hpp>
#include <verge/engine/text/jinja/filters.hpp>
#include <verge/engine/text/jinja/globals.hpp>
#include <verge/engine/text/jinja/methods.hpp>
#include <verge/engine/text/jinja/operators.hpp>
#include <verge/engine/text/jinja/predicates.hpp>
#include <verge/engine/text/jinja/print.hpp>

namespace verge::text::jinja {
namespace {

/// The variables of a template, of one loop round, or of one macro call.
class Scope {
 public:
  explicit Scope(const Scope* outer) : outer_(outer) {}

  void set(std::string_view name, Value value) {
    for (auto& [known, old] : variables_) {
      if (known == name) {
        old = std::move(value);
        return;
      }
    }
    variables_.emplace_back(name, std::move(value));
  }
  const Value* find(std::string_view name) const {
    for (const Scope* scope = this; scope; scope = scope->outer_) {
      for (const auto& [known, value] : scope->variables_) {
        if (known == name) return &value;
      }
    }
    return nullptr;
  }

 private:
  const Scope* outer_;
  std::vector<std::pair<std::string_view, Value>> variables_;  // names live in the tree
};

enum class Flow { Next, Break, Continue };

class Evaluator {
 public:
  Evaluator(Run& run, const Variables& variables, std::optional<int64_t> now_unix_s)
      : run_(run),
        functions_(global_functions(now_unix_s, namespaces_)),
        root_(nullptr),
        scope_(&root_) {
    for (const auto& [name, value] : functions_) root_.set(name, value);
    for (const auto& [name, value] : variables) root_.set(name, value);
  }
  ~Evaluator() {
    for (const auto& space : namespaces_) space->attributes.clear();  // they may hold each other
  }
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  std::string render(const Block& block) {
    std::string out;
    execute(block, out);
    return out;
  }

 private:
  /// Makes a scope the current one while it lives.
  class Enter {
   public:
    Enter(Evaluator& evaluator, Scope& scope) : evaluator_(evaluator), outer_(evaluator.scope_) {
      evaluator.scope_ = &scope;
    }
    ~Enter() { evaluator_.scope_ = outer_; }
    Enter(const Enter&) = delete;
    Enter& operator=(const Enter&) = delete;

   private:
    Evaluator& evaluator_;
    Scope* outer_;
  };

  // --- Statements ---

  Flow execute(const Block& block, std::string& out) {
    const Run::Nested nested(run_);
    for (const Statement& statement : block) {
      run_.at = statement.at;
      run_.step();
      const Flow flow =
          std::visit([&](const auto& node) { return run(node, out); }, statement.node);
      if (flow != Flow::Next) return flow;
    }
    return Flow::Next;
  }

  void write(std::string& out, std::string_view text) {
    run_.output(static_cast<int64_t>(out.size() + text.size()));
    run_.bytes(static_cast<int64_t>(text.size()));
    out += text;
  }

  Flow run(const TextOutput& node, std::string& out) {
    write(out, node.text);
    return Flow::Next;
  }

  Flow run(const Output& node, std::string& out) {
    const Value value = eval(*node.value);
    write(out, value.is_string() ? value.as_string() : to_text(run_, value));
    return Flow::Next;
  }

  Flow run(const If& node, std::string& out) {
    for (const If::Branch& branch : node.branches) {
      if (!branch.condition || eval(*branch.condition).truthy()) return execute(branch.body, out);
    }
    return Flow::Next;
  }

  void assign(Scope& scope, const std::vector<std::string>& targets, const Value& value) {
    if (targets.size() == 1) return scope.set(targets[0], value);
    const std::vector<Value> items = items_of(run_, value);
    if (items.size() != targets.size()) {
      run_.fail("{} values for {} variables", items.size(), targets.size());
    }
    for (size_t i = 0; i < items.size(); ++i) scope.set(targets[i], items[i]);
  }

  std::vector<Value> loop_items(const For& node) {
    std::vector<Value> items = items_of(run_, eval(*node.iterable));
    if (!node.filter) return items;
    std::vector<Value> kept;
    for (Value& entry : items) {
      Scope scope(scope_);
      assign(scope, node.targets, entry);
      const Enter enter(*this, scope);
      if (eval(*node.filter).truthy()) kept.push_back(std::move(entry));
    }
    return kept;
  }

  static Value cycle(Run& run, const Arguments& arguments, size_t round) {
    if (arguments.positional.empty()) run.fail("loop.cycle needs something to go through");
    return arguments.positional[round % arguments.positional.size()];
  }

  /// The variable `loop`.
  Value loop_state(const std::vector<Value>& items, size_t i) {
    const auto number = [](size_t value) { return Value(static_cast<int64_t>(value)); };
    const size_t left = items.size() - i;
    const auto next_of_cycle = [i](Run& run, const Arguments& arguments) {
      return cycle(run, arguments, i);
    };
    return Value::dict(run_,
                       {{"index", number(i + 1)},
                        {"index0", number(i)},
                        {"revindex", number(left)},
                        {"revindex0", number(left - 1)},
                        {"first", i == 0},
                        {"last", left == 1},
                        {"length", number(items.size())},
                        {"previtem", i == 0 ? Value::undefined("loop.previtem") : items[i - 1]},
                        {"nextitem", left == 1 ? Value::undefined("loop.nextitem") : items[i + 1]},
                        {"cycle", Function{"cycle", next_of_cycle}}});
  }

  Flow run(const For& node, std::string& out) {
    const std::vector<Value> items = loop_items(node);
    if (items.empty()) return execute(node.otherwise, out);
    for (size_t i = 0; i < items.size(); ++i) {
      run_.step();
      Scope scope(scope_);
      if (node.reads_loop) scope.set("loop", loop_state(items, i));
      assign(scope, node.targets, items[i]);
      const Enter enter(*this, scope);
      if (execute(node.body, out) == Flow::Break) break;
    }
    return Flow::Next;
  }

  std::string captured(const Block& body) {
    Scope scope(scope_);
    const Enter enter(*this, scope);
    std::string text;
    execute(body, text);
    return text;
  }

  Flow run(const Set& node, std::string&) {
    Value value;
    if (node.value) {
      value = eval(*node.value);
    } else {
      value = Value(captured(node.body));
      if (node.filter) value = apply_filters(*node.filter, value);
    }
    if (node.attribute.empty()) {
      assign(*scope_, node.targets, value);
      return Flow::Next;
    }
    const Value* space = scope_->find(node.targets[0]);
    if (!space || !space->is_namespace()) {
      run_.fail("'{}' is no namespace, so '{}' cannot be set", node.targets[0], node.attribute);
    }
    space->as_namespace().attributes[node.attribute] = std::move(value);
    return Flow::Next;
  }

  Flow run(const FilterBlock& node, std::string& out) {
    const Value value = apply_filters(*node.filter, Value(captured(node.body)));
    write(out, to_text(run_, value));
    return Flow::Next;
  }

  Flow run(const With& node, std::string& out) {
    Scope scope(scope_);
    for (const auto& [name, value] : node.variables) scope.set(name, eval(*value));
    const Enter enter(*this, scope);
    return execute(node.body, out);
  }

  Flow run(const Macro& node, std::string&) {
    const auto call = [this, &node](Run&, const Arguments& arguments) {
      return call_macro(node, arguments);
    };
    scope_->set(node.name, Function{node.name, call});
    return Flow::Next;
  }

  Flow run(const Break&, std::string&) { return Flow::Break; }
  Flow run(const Continue&, std::string&) { return Flow::Continue; }

  /// A macro sees its arguments and the template's own variables, not those of its caller.
  Value call_macro(const Macro& node, const Arguments& arguments) {
    if (arguments.positional.size() > node.parameters.size()) {
      run_.fail("{} takes {} arguments, not {}", node.name, node.parameters.size(),
                arguments.positional.size());
    }
    for (const auto& [name, value] : arguments.named) {
      if (std::find(node.parameters.begin(), node.parameters.end(), name) ==
          node.parameters.end()) {
        run_.fail("{} has no parameter '{}'", node.name, name);
      }
    }
    Scope scope(&root_);
    const Enter enter(*this, scope);
    const size_t required = node.parameters.size() - node.defaults.size();
    for (size_t i = 0; i < node.parameters.size(); ++i) {
      const Value* given = arguments.find(i, node.parameters[i]);
      if (given) {
        scope.set(node.parameters[i], *given);
      } else if (i >= required) {
        scope.set(node.parameters[i], eval(*node.defaults[i - required]));
      } else {
        scope.set(node.parameters[i], Value::undefined(node.parameters[i]));
      }
    }
    std::string text;
    execute(node.body, text);
    return text;
  }

  // --- Expressions ---

  Value eval(const Expr& expr) {
    const Run::Nested nested(run_);
    run_.at = expr.at;
    run_.step();
    switch (expr.kind) {
      case ExprKind::Literal:
        return expr.literal;
      case ExprKind::Name:
        return variable(expr);
      case ExprKind::List:
      case ExprKind::Tuple:
        return Value::list(run_, eval_all(expr, 0), expr.kind == ExprKind::Tuple);
      case ExprKind::Dict:
        return dict(expr);
      case ExprKind::Attribute:
        return attribute_of(expr);
      case ExprKind::Subscript:
        return subscript(expr);
      case ExprKind::Slice:
        return slice_of(expr);
      case ExprKind::Unary:
        return unary(expr);
      case ExprKind::Binary:
        return binary(expr);
      case ExprKind::Compare:
        return comparison(expr);
      case ExprKind::Logic:
        return logic(expr);
      case ExprKind::Conditional:
        return conditional(expr);
      case ExprKind::Call:
        return call(expr);
      case ExprKind::Filter:
        return filter(expr, eval(*expr.children[0]));
      case ExprKind::Test:
        return test(expr);
    }
    return {};
  }

  Value variable(const Expr& expr) const {
    const Value* found = scope_->find(expr.text);
    return found ? *found : Value::undefined(expr.text);
  }

  std::vector<Value> eval_all(const Expr& expr, size_t first) {
    std::vector<Value> values;
    for (size_t i = first; i < expr.children.size(); ++i) {
      values.push_back(eval(*expr.children[i]));
    }
    run_.at = expr.at;  // what fails next is this expression, no longer its parts
    return values;
  }

  Value dict(const Expr& expr) {
    const std::vector<Value> parts = eval_all(expr, 0);
    std::vector<std::pair<std::string, Value>> entries;
    for (size_t i = 0; i < parts.size(); i += 2) {
      entries.emplace_back(expect_string(run_, parts[i], "a dict's key"), parts[i + 1]);
    }
    return Value::dict(run_, std::move(entries));
  }

  Value attribute_of(const Expr& expr) {
    const Value object = eval(*expr.children[0]);
    run_.at = expr.at;
    return attribute(run_, object, expr.text);
  }

  Value subscript(const Expr& expr) {
    const std::vector<Value> parts = eval_all(expr, 0);
    Value found = item(run_, parts[0], parts[1]);
    const bool may_be_method = found.is_undefined() && parts[1].is_string();
    return may_be_method ? attribute(run_, parts[0], parts[1].as_string()) : found;
  }

  Value slice_of(const Expr& expr) {
    const Value object = eval(*expr.children[0]);
    const auto bound = [&](size_t i) -> std::optional<int64_t> {
      if (!expr.children[i]) return std::nullopt;
      const Value value = eval(*expr.children[i]);
      if (value.is_none()) return std::nullopt;
      return expect_int(run_, value, "a slice");
    };
    const SliceBounds bounds = {bound(1), bound(2), bound(3)};
    run_.at = expr.at;
    return slice(run_, object, bounds);
  }

  Value unary(const Expr& expr) {
    const Value value = eval(*expr.children[0]);
    run_.at = expr.at;
    if (expr.text == "not") return !value.truthy();
    if (!value.is_number()) run_.fail("a {} has no sign", value.kind());
    return expr.text == "-" ? negate(run_, value) : value;
  }

  Value binary(const Expr& expr) {
    const std::vector<Value> parts = eval_all(expr, 0);
    const Value &a = parts[0], &b = parts[1];
    const std::string& op = expr.text;
    if (op == "+") return add(run_, a, b);
    if (op == "-") return subtract(run_, a, b);
    if (op == "~") return concatenate(run_, a, b);
    if (op == "*") return multiply(run_, a, b);
    if (op == "/") return divide(run_, a, b);
    if (op == "//") return floor_divide(run_, a, b);
    if (op == "%") return modulo(run_, a, b);
    return power(run_, a, b);
  }

  bool compare(const std::string& op, const Value& a, const Value& b) {
    if (op == "==") return equal(run_, a, b);
    if (op == "!=") return !equal(run_, a, b);
    if (op == "in") return contains(run_, b, a);
    if (op == "not in") return !contains(run_, b, a);
    if (op == "<") return less(run_, a, b);
    if (op == ">") return less(run_, b, a);
    if (op == "<=") return less(run_, a, b) || equal(run_, a, b);
    return less(run_, b, a) || equal(run_, a, b);
  }

  Value comparison(const Expr& expr) {
    Value left = eval(*expr.children[0]);
    for (size_t i = 1; i < expr.children.size(); ++i) {
      Value right = eval(*expr.children[i]);
      run_.at = expr.at;
      if (!compare(expr.keywords[i - 1], left, right)) return false;
      left = std::move(right);
    }
    return true;
  }

  Value logic(const Expr& expr) {
    Value left = eval(*expr.children[0]);
    return left.truthy() == (expr.text == "or") ? left : eval(*expr.children[1]);
  }

  Value conditional(const Expr& expr) {
    if (eval(*expr.children[0]).truthy()) return eval(*expr.children[1]);
    return expr.children[2] ? eval(*expr.children[2]) : Value::undefined("if without else");
  }

  /// The arguments of a call, filter or test: all children but the first.
  Arguments arguments_of(const Expr& expr) {
    Arguments arguments;
    arguments.positional = eval_all(expr, 1);
    const size_t named = arguments.positional.size() - expr.keywords.size();
    for (size_t i = 0; i < expr.keywords.size(); ++i) {
      arguments.named.emplace_back(expr.keywords[i], std::move(arguments.positional[named + i]));
    }
    arguments.positional.resize(named);
    return arguments;
  }

  Value call(const Expr& expr) {
    const Value callee = eval(*expr.children[0]);
    const Arguments arguments = arguments_of(expr);
    if (callee.is_undefined()) run_.fail("'{}' is undefined", callee.undefined_name());
    if (!callee.is_function()) run_.fail("a {} cannot be called", callee.kind());
    return callee.as_function().call(run_, arguments);
  }

  Value filter(const Expr& expr, const Value& input) {
    const Arguments arguments = arguments_of(expr);
    return find_filter(run_, expr.text)(run_, input, arguments);
  }

  /// A chain of filters whose first input is not in the tree.
  Value apply_filters(const Expr& expr, const Value& input) {
    const Expr* inner = expr.children[0].get();
    return filter(expr, inner ? apply_filters(*inner, input) : input);
  }

  Value test(const Expr& expr) {
    const Value value = eval(*expr.children[0]);
    const Arguments arguments = arguments_of(expr);
    return find_predicate(run_, expr.text)(run_, value, arguments);
  }

  Run& run_;
  std::vector<std::shared_ptr<Namespace>> namespaces_;
  Variables functions_;
  Scope root_;
  Scope* scope_;
};

}  // namespace

std::string evaluate(Run& run, const Block& block, const Variables& variables,
                     std::optional<int64_t> now_unix_s) {
  return Evaluator(run, variables, now_unix_s).render(block);
}

}  // namespace verge::text::jinja
