#include <algorithm>

#include <verge/core/archive.hpp>
#include <verge/engine/graph/binary_form.hpp>
#include <verge/engine/graph/op.hpp>
#include <verge/engine/graph/type_check.hpp>

namespace verge::graph {
namespace {

constexpr uint32_t kVersion = 1;

// One function for both directions, with what only readers must check in the Reading parts.
template <typename Archive>
class GraphArchive {
 public:
  GraphArchive(Archive& a, Graph& graph) : a_(a), graph_(graph) {}

  Status run() {
    uint32_t version = kVersion;
    a_.number(version);
    if (version != kVersion) {
      return make_error(Code::Unsupported, "graph form {} of {}; compile it anew with this build",
                        version, kVersion);
    }
    a_.text(graph_.name);
    a_.list(graph_.symbols, 16, [&](Symbol& symbol) {
      a_.text(symbol.name);
      a_.number(symbol.bound);
    });
    VERGE_RETURN_IF_ERROR(check_symbols(graph_));
    a_.list(graph_.values, 16, [&](Value& value) { describe(value); });
    a_.list(graph_.nodes, 33, [&](Node& node) { describe(node); });
    return std::move(status_);
  }

 private:
  void fail(Code code, std::string message) {
    if (status_) status_ = Error{code, std::move(message)};
    if constexpr (Archive::kReads) a_.fail();
  }

  void describe(Value& value) {
    a_.text(value.name);
    describe(value.type);
    a_.number(value.kind);
    uint8_t flags = static_cast<uint8_t>(value.is_output | value.is_trainable << 1);
    a_.number(flags);
    a_.number(value.alias_of);
    if constexpr (Archive::kReads) {
      value.is_output = (flags & 1) != 0;
      value.is_trainable = (flags & 2) != 0;
      if (value.kind > ValueKind::Activation || flags > 3) fail(Code::Malformed, "a value's kind");
    }
    if (value.kind == ValueKind::Const) describe_data(value);
  }

  void describe(Type& type) {
    a_.number(type.dtype);
    a_.list(type.dims, 10, [&](Dim& dim) {
      a_.number(dim.factor);
      a_.number(dim.symbol);
      if (dim.symbol < -1) fail(Code::Malformed, "an extent's symbol");
    });
    if constexpr (Archive::kReads) {
      const auto known = [&](const DTypeInfo& facts) { return facts.dtype == type.dtype; };
      if (std::none_of(all_dtypes().begin(), all_dtypes().end(), known)) {
        type.dtype = DType::F32;
        fail(Code::Malformed, "a type that does not exist");
      } else if (const Status status = check_type(graph_, type); !status) {
        fail(Code::Malformed, status.error().message);
        type.dims.clear();
      }
    }
  }

  void describe_data(Value& value) {
    if constexpr (Archive::kReads) {
      const int64_t bytes = bound_bytes_of(value.type);
      if (a_.count(1) != static_cast<uint64_t>(bytes) || !a_.good()) {
        return fail(Code::Malformed, "a constant's bytes do not fit its type");
      }
      auto data = std::make_shared<Tensor>(value.type.dtype, graph_.bound_shape(value.type));
      a_.raw({data->view().as<std::byte>(), static_cast<size_t>(bytes)});
      value.data = std::move(data);
    } else {
      const TensorView& view = value.data->view();
      auto bytes = static_cast<uint64_t>(view.bytes());
      a_.number(bytes);
      a_.raw({view.as<std::byte>(), bytes});
    }
  }
  int64_t bound_bytes_of(const Type& type) const {
    return bytes_of(type.dtype, graph_.bound_shape(type).count());
  }

  void describe(Node& node) {
    std::string op(node.op == nullptr ? "" : node.op->name);
    a_.text(op);
    if constexpr (Archive::kReads) {
      node.op = find_op(op);
      if (node.op == nullptr && a_.good()) {
        fail(Code::Unsupported, fmt::format("no operator {} in this build; compile anew", op));
      }
    }
    for (auto* ids : {&node.inputs, &node.outputs}) {
      a_.list(*ids, sizeof(ValueId), [&](ValueId& id) { a_.number(id); });
    }
    a_.number(node.phase);
    if (node.phase > Phase::Update) fail(Code::Malformed, "a node's phase");
    a_.text(node.source);
    describe(node.attrs);
  }

  void describe(Attrs& attrs) {
    std::vector<std::pair<std::string, Attr>> entries = attrs.entries();
    a_.list(entries, 17, [&](std::pair<std::string, Attr>& entry) {
      a_.text(entry.first);
      describe(entry.second);
    });
    if constexpr (Archive::kReads) {
      for (auto& [name, attr] : entries) attrs.set(name, std::move(attr));
    }
  }

  void describe(Attr& attr) {
    auto kind = static_cast<uint8_t>(attr.index());
    a_.number(kind);
    if constexpr (Archive::kReads) {
      if (kind == 1) attr = 0.0;
      if (kind == 2) attr = std::string();
      if (kind == 3) attr = std::vector<int64_t>();
      if (kind > 3) fail(Code::Malformed, "an attribute's kind");
    }
    if (auto* whole = std::get_if<int64_t>(&attr)) a_.number(*whole);
    if (auto* real = std::get_if<double>(&attr)) a_.number(*real);
    if (auto* text = std::get_if<std::string>(&attr)) a_.text(*text);
    if (auto* list = std::get_if<std::vector<int64_t>>(&attr)) {
      a_.list(*list, sizeof(int64_t), [&](int64_t& item) { a_.number(item); });
    }
  }

  Archive& a_;
  Graph& graph_;
  Status status_;
};

}  // namespace

std::vector<std::byte> write_binary(const Graph& graph) {
  Graph copy = graph;  // of pointers to data: an archive has one form for both directions
  ArchiveWriter writer;
  const Status status = GraphArchive(writer, copy).run();
  VERGE_CHECK(status.ok(), status.ok() ? "" : status.error().message);
  return {writer.bytes().begin(), writer.bytes().end()};
}

Result<Graph> read_binary(std::span<const std::byte> bytes) {
  Graph graph;
  ArchiveReader reader(bytes);
  if (Status status = GraphArchive(reader, graph).run(); !status) {
    return make_error(status.error().code, "graph: {}", status.error().message);
  }
  if (!reader.done()) return make_error(Code::Malformed, "graph: cut off, or followed by more");
  VERGE_RETURN_IF_ERROR(verify(graph));
  return graph;
}

}  // namespace verge::graph
