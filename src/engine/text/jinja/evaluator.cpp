#include <algorithm>

#include <verge/engine/text/jinja/evaluator.hpp>
#include <verge/engine/text/jinja/expression_evaluator.hpp>
#include <verge/engine/text/jinja/globals.hpp>
#include <verge/engine/text/jinja/print.hpp>

namespace verge::text::jinja {
namespace {

enum class Flow { Next, Break, Continue };

class Evaluator {
 public:
  Evaluator(Run& run, const Variables& variables, std::optional<int64_t> now_unix_s)
      : run_(run),
        expressions_(run),
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
      if (node.filter) value = expressions_.apply_filters(*node.filter, value, *scope_);
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
    const Value value =
        expressions_.apply_filters(*node.filter, Value(captured(node.body)), *scope_);
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

  Value eval(const Expr& expr) { return expressions_.eval(expr, *scope_); }

  Run& run_;
  ExpressionEvaluator expressions_;
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
