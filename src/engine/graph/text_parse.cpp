#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/text_form.hpp>
#include <verge/engine/graph/type_check.hpp>

namespace verge::graph {
namespace {

// Reads one line of the text form. The first mistake is kept; after it every call is harmless.
class LineReader {
 public:
  LineReader(std::string_view line, size_t number) : line_(line), number_(number) {}

  bool ok() const { return error_.empty(); }
  bool at_end() {
    skip_spaces();
    return at_ == line_.size();
  }
  Error error() const {
    return make_error(Code::Malformed, "graph text, line {}, column {}: {}", number_, at_ + 1,
                      error_);
  }
  void fail(std::string message) {
    if (ok()) error_ = std::move(message);
  }

  bool take(std::string_view token) {
    skip_spaces();
    if (!ok() || !line_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) fail(fmt::format("\"{}\" expected", token));
  }

  std::string word() {
    skip_spaces();
    const size_t begin = at_;
    while (at_ < line_.size() &&
           (std::isalnum(static_cast<unsigned char>(line_[at_])) || line_[at_] == '_'))
      ++at_;
    if (at_ == begin) fail("a word expected");
    return std::string(line_.substr(begin, at_ - begin));
  }

  std::string quoted() {
    expect("\"");
    std::string text;
    while (ok() && at_ < line_.size() && line_[at_] != '"') {
      char c = line_[at_++];
      if (c == '\\' && at_ < line_.size()) {
        c = line_[at_++];
        if (c == 'n') c = '\n';
      }
      text += c;
    }
    expect("\"");
    return text;
  }

  bool at_number() {
    skip_spaces();
    return at_ < line_.size() &&
           (line_[at_] == '-' || std::isdigit(static_cast<unsigned char>(line_[at_])));
  }

  int64_t integer() {
    skip_spaces();
    int64_t value = 0;
    const auto [end, status] =
        std::from_chars(line_.data() + at_, line_.data() + line_.size(), value);
    if (status != std::errc()) {
      fail("a whole number expected");
      return 0;
    }
    at_ = static_cast<size_t>(end - line_.data());
    return value;
  }

  Attr attr() {
    skip_spaces();
    if (at_ < line_.size() && line_[at_] == '"') return quoted();
    if (take("[")) {
      std::vector<int64_t> list;
      while (ok() && !take("]")) {
        list.push_back(integer());
        if (!take(",")) {
          expect("]");
          break;
        }
      }
      return list;
    }
    const size_t end = std::min(line_.find_first_of(",} ", at_), line_.size());
    const std::string_view number = line_.substr(at_, end - at_);
    if (number.find_first_of(".en") == std::string_view::npos) return integer();
    double value = 0;
    const auto [last, status] =
        std::from_chars(number.data(), number.data() + number.size(), value);
    if (status != std::errc() || last != number.data() + number.size()) fail("a number expected");
    at_ = end;
    return value;
  }

  std::string_view hexadecimal() {
    const size_t begin = at_;
    while (at_ < line_.size() && std::isxdigit(static_cast<unsigned char>(line_[at_]))) ++at_;
    return line_.substr(begin, at_ - begin);
  }

 private:
  void skip_spaces() {
    while (at_ < line_.size() && line_[at_] == ' ') ++at_;
  }

  std::string_view line_;
  size_t number_;
  size_t at_ = 0;
  std::string error_;
};

class Parser {
 public:
  Result<Graph> parse(std::string_view text) {
    for (size_t number = 1; !text.empty(); ++number) {
      const size_t end = std::min(text.find('\n'), text.size());
      LineReader line(text.substr(0, end), number);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.at_end()) continue;
      parse_line(line);
      if (line.ok() && !line.at_end()) line.fail("nothing more expected");
      if (!line.ok()) return line.error();
    }
    for (const auto& [id, name] : aliases_) {
      graph_.values[id].alias_of = graph_.find(name);
      if (graph_.values[id].alias_of != kNone) continue;
      return make_error(Code::Malformed, "graph text: {} overwrites {}, which is not declared",
                        graph_.values[id].name, name);
    }
    VERGE_RETURN_IF_ERROR(verify(graph_));
    return std::move(graph_);
  }

 private:
  void parse_line(LineReader& line) {
    constexpr std::string_view kKinds[] = {"input ", "param ", "state ", "const ", "value "};
    constexpr std::string_view kPhases[] = {"fwd ", "bwd ", "upd "};
    if (line.take("graph ")) {
      graph_.name = line.quoted();
      return;
    }
    if (line.take("symbol ")) {
      std::string name = line.quoted();
      graph_.symbols.push_back({std::move(name), line.integer()});
      if (graph_.symbols.back().bound < 1) line.fail("a bound of at least 1 expected");
      return;
    }
    for (size_t kind = 0; kind < std::size(kKinds); ++kind) {
      if (line.take(kKinds[kind])) return parse_value(line, static_cast<ValueKind>(kind));
    }
    for (size_t phase = 0; phase < std::size(kPhases); ++phase) {
      if (line.take(kPhases[phase])) return parse_node(line, static_cast<Phase>(phase));
    }
    line.fail("graph, symbol, input, param, state, const, value, fwd, bwd or upd expected");
  }

  void parse_value(LineReader& line, ValueKind kind) {
    const size_t id = graph_.values.size();
    if (line.integer() != static_cast<int64_t>(id)) line.fail(fmt::format("value {} expected", id));
    Value value;
    value.kind = kind;
    value.name = line.quoted();
    value.type = parse_type(line);
    value.is_output = line.take("output");
    value.is_trainable = line.take("trainable");
    if (line.take("alias=")) aliases_.emplace_back(id, line.quoted());
    if (line.take("= 0x")) parse_data(line, value);
    graph_.values.push_back(std::move(value));
  }

  Type parse_type(LineReader& line) {
    Type type;
    const std::string word = line.word();
    const std::optional<DType> dtype = dtype_from_name(word);
    if (!dtype) line.fail(fmt::format("{} is not a type", word));
    type.dtype = dtype.value_or(DType::F32);
    line.expect("[");
    while (line.ok() && !line.take("]")) {
      type.dims.push_back(parse_dim(line));
      if (!line.take(",")) {
        line.expect("]");
        break;
      }
    }
    const Status status = line.ok() ? check_type(graph_, type) : Status();
    if (!status) line.fail(status.error().message);
    return type;
  }

  Dim parse_dim(LineReader& line) {
    Dim dim;
    const bool has_factor = line.at_number();
    if (has_factor) dim.factor = line.integer();
    if (dim.factor < 0) line.fail("an extent cannot be negative");
    if (has_factor && !line.take("*")) return dim;
    const std::string name = line.word();
    const auto symbol = std::ranges::find(graph_.symbols, name, &Symbol::name);
    if (symbol == graph_.symbols.end()) line.fail(fmt::format("no symbol {}", name));
    dim.symbol = static_cast<SymbolId>(symbol - graph_.symbols.begin());
    return dim;
  }

  void parse_data(LineReader& line, Value& value) {
    const std::string_view digits = line.hexadecimal();
    if (!line.ok()) return;
    const Shape shape = graph_.bound_shape(value.type);
    auto data = std::make_shared<Tensor>();
    if (static_cast<size_t>(bytes_of(value.type.dtype, shape.count())) * 2 != digits.size()) {
      line.fail("the constant's bytes do not fit its type");
      return;
    }
    *data = Tensor(value.type.dtype, shape);
    auto* bytes = data->view().as<uint8_t>();
    for (size_t i = 0; i < digits.size() / 2; ++i) {
      std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, bytes[i], 16);
    }
    value.data = std::move(data);
  }

  std::vector<ValueId> parse_ids(LineReader& line) {
    std::vector<ValueId> ids;
    do {
      ids.push_back(line.take("_") ? kNone : static_cast<ValueId>(line.integer()));
    } while (line.ok() && line.take(","));
    return ids;
  }

  void parse_node(LineReader& line, Phase phase) {
    Node node;
    node.phase = phase;
    node.outputs = parse_ids(line);
    line.expect("=");
    const std::string op = line.word();
    node.op = find_op(op);
    if (node.op == nullptr) line.fail(fmt::format("no operator {}", op));
    line.expect("(");
    if (!line.take(")")) {
      node.inputs = parse_ids(line);
      line.expect(")");
    }
    if (line.take("{")) {
      do {
        const std::string name = line.word();
        line.expect("=");
        node.attrs.set(name, line.attr());
      } while (line.ok() && line.take(","));
      line.expect("}");
    }
    if (line.take("@")) node.source = line.quoted();
    graph_.nodes.push_back(std::move(node));
  }

  Graph graph_;
  std::vector<std::pair<size_t, std::string>> aliases_;
};

}  // namespace

Result<Graph> parse(std::string_view text) {
  return Parser().parse(text);
}

}  // namespace verge::graph
