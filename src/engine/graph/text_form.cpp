#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/text_form.hpp>

namespace verge::graph {
namespace {

constexpr std::string_view kKinds[] = {"input", "param", "state", "const", "value"};
constexpr std::string_view kPhases[] = {"fwd", "bwd", "upd"};

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string show_flags(const Graph& graph, const Value& value) {
  std::string text;
  if (value.is_output) text += " output";
  if (value.is_trainable) text += " trainable";
  if (value.alias_of != kNone)
    text += fmt::format(" alias={}", quote(graph.value(value.alias_of).name));
  return text;
}

std::string show_bytes(const Tensor& tensor) {
  std::string text;
  const auto* bytes = tensor.view().as<const uint8_t>();
  for (int64_t i = 0; i < tensor.view().bytes(); ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

void print_declarations(const Graph& graph, std::string& text) {
  for (const Symbol& symbol : graph.symbols) {
    text += fmt::format("symbol {} {}\n", quote(symbol.name), symbol.bound);
  }
  for (size_t id = 0; id < graph.values.size(); ++id) {
    const Value& value = graph.values[id];
    text += fmt::format("{} {} {} {}{}", kKinds[static_cast<size_t>(value.kind)], id,
                        quote(value.name), show_type(graph, value.type), show_flags(graph, value));
    if (value.data != nullptr) text += " = 0x" + show_bytes(*value.data);
    text += '\n';
  }
}

std::string show_ids(const std::vector<ValueId>& ids) {
  std::string text;
  for (ValueId id : ids) {
    if (!text.empty()) text += ", ";
    text += id == kNone ? "_" : fmt::format("{}", id);
  }
  return text;
}

}  // namespace

std::string show_type(const Graph& graph, const Type& type) {
  std::string dims;
  for (const Dim& dim : type.dims) {
    if (!dims.empty()) dims += ", ";
    if (dim.is_constant()) {
      dims += fmt::format("{}", dim.factor);
    } else {
      const std::string& symbol = graph.symbols[static_cast<size_t>(dim.symbol)].name;
      dims += dim.factor == 1 ? symbol : fmt::format("{}*{}", dim.factor, symbol);
    }
  }
  return fmt::format("{} [{}]", name(type.dtype), dims);
}

std::string show_attr(const Attr& attr) {
  struct Show {
    std::string operator()(int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const {
      std::string text = fmt::format("{}", v);  // the shortest form that reads back as v
      return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
    }
    std::string operator()(const std::string& v) const { return quote(v); }
    std::string operator()(const std::vector<int64_t>& v) const {
      std::string text;
      for (int64_t item : v) text += fmt::format("{}{}", text.empty() ? "" : ", ", item);
      return "[" + text + "]";
    }
  };
  return std::visit(Show{}, attr);
}

std::string print(const Graph& graph) {
  std::string text = fmt::format("graph {}\n", quote(graph.name));
  print_declarations(graph, text);
  for (const Node& node : graph.nodes) {
    text += fmt::format("{} {} = {}({})", kPhases[static_cast<size_t>(node.phase)],
                        show_ids(node.outputs), node.op->name, show_ids(node.inputs));
    std::string attrs;
    for (const auto& [name, attr] : node.attrs.entries()) {
      attrs += fmt::format("{}{}={}", attrs.empty() ? "" : ", ", name, show_attr(attr));
    }
    if (!attrs.empty()) text += " {" + attrs + "}";
    if (!node.source.empty()) text += " @" + quote(node.source);
    text += '\n';
  }
  return text;
}

}  // namespace verge::graph
