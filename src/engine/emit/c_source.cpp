#include <algorithm>

#include <fmt/ranges.h>

#include <verge/engine/emit/c_op.hpp>
#include <verge/engine/emit/c_source.hpp>
#include <verge/engine/graph/op.hpp>

namespace verge::emit {
namespace {

using graph::kNone;
using graph::Node;

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

// What the operator's C would leave out in silence.
std::string unknown_part(const COp& op, const Node& node) {
  for (const auto& [name, value] : node.attrs.entries()) {
    if (std::ranges::count(op.attributes, name) == 0) return fmt::format("attribute {}", name);
  }
  for (size_t i = op.inputs; op.inputs > 0 && i < node.inputs.size(); ++i) {
    if (node.inputs[i] != kNone) return fmt::format("input {}", i);
  }
  return "";
}

class Writer {
 public:
  Writer(const graph::Graph& graph, const graph::ParameterValues& parameters,
         const COptions& options)
      : graph_(graph), options_(options), values_(graph, parameters) {}

  Result<CSource> write() {
    for (const Node& node : graph_.nodes) {
      if (!node.op->is_view) add(node);
    }
    if (!failures_.empty()) {
      return make_error(Code::Unsupported, "{} of {} nodes have no C:\n  {}", failures_.size(),
                        graph_.nodes.size(), fmt::join(failures_, "\n  "));
    }
    const std::string outputs = values_.copy_outputs();
    VERGE_TRY(const std::string definitions, values_.definitions());
    CSource made{
        .header = header(),
        .source = head() + values_.declarations() + code_ + run(outputs) + definitions + tables(),
        .arena_bytes = values_.arena_bytes(),
        .constant_bytes = values_.constant_bytes(),
        .kept_bytes = values_.kept_bytes(),
        .state_bytes = values_.state_bytes()};
    return made;
  }

 private:
  void add(const Node& node) {
    const auto fail = [&](std::string_view reason) {
      failures_.push_back(fmt::format("{} ({}): {}", node.op->name, node.source, reason));
    };
    const COp* op = find_c_op(node.op->name);
    if (op == nullptr) return fail("there is no C for this operator");
    if (const std::string part = unknown_part(*op, node); !part.empty()) {
      return fail("its C does not know " + part);
    }
    CNode call(graph_, node, values_);
    op->call(call);
    if (!call.failure().empty()) return fail(call.failure());
    for (const std::string_view shared : op->uses) use(shared);
    for (const std::string& code : call.needed()) use(code);
    use(op->code);
    calls_ += fmt::format("  /* {} */\n{}", c_comment(node.source), call.text());
  }

  void use(std::string_view code) {
    if (std::ranges::count(used_, code) > 0) return;
    used_.emplace_back(code);
    code_ += code;
  }

  std::string title() const {
    return fmt::format("/* {} made by Verge from {}. */\n", options_.name,
                       c_comment(options_.origin));
  }

  std::string head() const {
    return title() + fmt::format(
                         "#include <math.h>\n#include <string.h>\n\n#include \"{}.h\"\n\n"
                         "/* Weights, what survives runs, and what runs compute with. */\n",
                         options_.name);
  }

  std::string prototype() const {
    std::string arguments;
    const auto add = [&](const CArray& array, const char* qualifier) {
      arguments += fmt::format("{}\n    {}{} *{}", arguments.empty() ? "" : ",", qualifier,
                               c_type(array.dtype), array.name);
    };
    for (const CArray& input : values_.inputs()) add(input, "const ");
    for (const CArray& output : values_.outputs()) add(output, "");
    return fmt::format("int {}_{}({})", options_.name, options_.verb,
                       arguments.empty() ? "void" : arguments);
  }

  std::string run(const std::string& outputs) const {
    std::string checks;
    for (const auto* arrays : {&values_.inputs(), &values_.outputs()}) {
      for (const CArray& array : *arrays) {
        checks += fmt::format("  if ({} == NULL) return -1;\n", array.name);
      }
    }
    checks += range_checks();
    return fmt::format("\n{} {{\n{}{}{}  return 0;\n}}\n", prototype(), checks, calls_, outputs) +
           call_by_lists();
  }

  std::string range_checks() const {
    std::string checks;
    for (const CRange& range : options_.ranges) {
      const CArray* array = input_named(range.input);
      if (array == nullptr) continue;
      checks += fmt::format(
          "  for (long i = 0; i < {0}; ++i) {{\n    if ({1}[i] < 0 || {1}[i] >= {2}) return -1;\n"
          "  }}\n",
          graph_.bound_shape(graph_.value(array->id).type).count(), array->name, range.end);
    }
    return checks;
  }

  const CArray* input_named(std::string_view wanted) const {
    const auto found = std::ranges::find_if(values_.inputs(), [&](const CArray& input) {
      return graph_.value(input.id).name == wanted;
    });
    return found == values_.inputs().end() ? nullptr : &*found;
  }

  std::string list_prototype() const {
    return fmt::format("int {}_call(const void *const inputs[], void *const outputs[])",
                       options_.name);
  }

  std::string call_by_lists() const {
    std::string arguments;
    const auto add = [&](const char* list, size_t count) {
      for (size_t i = 0; i < count; ++i) {
        arguments += fmt::format("{}{}[{}]", arguments.empty() ? "" : ", ", list, i);
      }
    };
    add("inputs", values_.inputs().size());
    add("outputs", values_.outputs().size());
    std::string unused;
    if (values_.inputs().empty()) unused += "  (void)inputs;\n";
    if (values_.outputs().empty()) unused += "  (void)outputs;\n";
    return fmt::format("\n{} {{\n{}  return {}_{}({});\n}}\n", list_prototype(), unused,
                       options_.name, options_.verb, arguments);
  }

  std::string shape_of(const CArray& array) const {
    return graph_.bound_shape(graph_.value(array.id).type).str();
  }

  std::string header() const {
    const std::string& name = options_.name;
    const std::string guard = upper(name);
    std::string text =
        title() + fmt::format(
                      "#ifndef {0}_H\n#define {0}_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
                      "#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n"
                      "#define {0}_INPUTS {1}\n#define {0}_OUTPUTS {2}\n#define {0}_KEPT {3}\n"
                      "#define {0}_ARENA_BYTES {4}\n#define {0}_WEIGHT_BYTES {5}\n"
                      "#define {0}_STATE_BYTES {6}\n\n",
                      guard, values_.inputs().size(), values_.outputs().size(),
                      values_.kept().size(), values_.arena_bytes(),
                      values_.constant_bytes() + values_.kept_bytes(), values_.state_bytes());
    for (const CRange& range : options_.ranges) {
      text += fmt::format("#define {}_{}_END {}  /* elements of {} are from 0 to below this */\n{}",
                          guard, upper(c_identifier(range.input)), range.end,
                          c_comment(range.input), &range == &options_.ranges.back() ? "\n" : "");
    }
    text += fmt::format(
        "/* An array as NumPy describes it: \"<f4\" are floats. */\n"
        "struct {0}_array {{\n  const char *name;\n  const char *type;\n  int rank;\n"
        "  long shape[8];\n  long bytes;\n}};\n"
        "extern const struct {0}_array {0}_inputs[];\nextern const struct {0}_array {0}_outputs[];"
        "\n\n",
        name);
    if (!values_.kept().empty()) {
      text += fmt::format(
          "/* What survives runs, by name: save it, or put other values in. */\n"
          "struct {0}_kept {{\n  struct {0}_array array;\n  void *data;\n}};\n"
          "extern const struct {0}_kept {0}_kept[];\n\n",
          name);
    }
    text += fmt::format(
        "/* Runs once; not by two threads at a time. Returns 0, or -1 for a null pointer{}.\n{}",
        options_.ranges.empty() ? "" : " or an\n   element out of its range", options_.note);
    for (const CArray& in : values_.inputs()) {
      text += fmt::format("   {}: {} {}\n", in.name, c_type(in.dtype), shape_of(in));
    }
    for (const CArray& out : values_.outputs()) {
      text += fmt::format("   {}: {} {}\n", out.name, c_type(out.dtype), shape_of(out));
    }
    text += "*/\n" + prototype() + ";\n/* The same with lists of pointers. */\n" + list_prototype();
    return text + ";\n\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
  }

  std::string described(const CArray& array) const {
    const Shape shape = graph_.bound_shape(graph_.value(array.id).type);
    std::vector<int64_t> extents(shape.extents().begin(), shape.extents().end());
    const std::string list = extents.empty() ? "0" : fmt::format("{}", fmt::join(extents, ", "));
    const char* type = array.dtype == DType::F32   ? "<f4"
                       : array.dtype == DType::I32 ? "<i4"
                       : array.dtype == DType::I64 ? "<i8"
                       : array.dtype == DType::U8  ? "|u1"
                       : array.dtype == DType::F16 ? "<f2"
                                                   : "|i1";
    return fmt::format("{{{}, \"{}\", {}, {{{}}}, {}}}", c_string(graph_.value(array.id).name),
                       type, shape.rank(), list, bytes_of(array.dtype, shape.count()));
  }

  std::string table(std::string_view which, const std::vector<CArray>& arrays) const {
    std::string text =
        fmt::format("\nconst struct {0}_array {0}_{1}[] = {{\n", options_.name, which);
    for (const CArray& array : arrays) text += fmt::format("  {},\n", described(array));
    if (arrays.empty()) text += "  {NULL, NULL, 0, {0}, 0},\n";
    return text + "};\n";
  }

  std::string tables() const {
    std::string text = table("inputs", values_.inputs()) + table("outputs", values_.outputs());
    if (values_.kept().empty()) return text;
    text += fmt::format("\nconst struct {0}_kept {0}_kept[] = {{\n", options_.name);
    for (const CArray& array : values_.kept()) {
      text += fmt::format("  {{{}, {}}},\n", described(array), array.name);
    }
    return text + "};\n";
  }

  const graph::Graph& graph_;
  const COptions& options_;
  CValues values_;
  std::vector<std::string> used_;
  std::string code_, calls_;
  std::vector<std::string> failures_;
};

}  // namespace

Result<CSource> emit_c(const graph::Graph& graph, const graph::ParameterValues& parameters,
                       const COptions& options) {
  VERGE_RETURN_IF_ERROR(graph::verify(graph));
  return Writer(graph, parameters, options).write();
}

std::vector<std::string> passes_without_c() {
  return {"fuse_projections", "fuse_norm", "lower_int8", "int8_pixels"};
}

}  // namespace verge::emit
