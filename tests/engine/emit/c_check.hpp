#pragma once
// Compiles the C of a graph as strictly as compilers can, runs it, and compares every output and
// everything that it keeps with what the references make of the graph.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <graph_runner.hpp>
#include <gtest/gtest.h>
#include <temporary_folder.hpp>

#include <verge/core/rng.hpp>
#include <verge/engine/emit/c_source.hpp>
#include <verge/engine/graph/builder.hpp>

namespace verge::emit {

inline bool has_command(const std::string& command) {
  return std::system(("command -v " + command + " > /dev/null 2>&1").c_str()) == 0;
}

/// The compiler for the processor that runs this test.
#if defined(VERGE_EMULATED)
inline const std::string kOwnCompiler = "aarch64-linux-gnu-gcc";
#else
inline const std::string kOwnCompiler = "gcc";
#endif
inline constexpr const char* kStrictC = " -std=c99 -Wall -Wextra -Wpedantic -Werror ";

/// Compiles net.c of the folder with every compiler that the machine has, as fast code: warnings
/// depend on what is made of it.
inline void expect_strict_c(const test::TemporaryFolder& folder) {
  for (const char* compiler : {"gcc", "clang", "aarch64-linux-gnu-gcc"}) {
    if (!has_command(compiler)) continue;
    EXPECT_EQ(
        std::system((compiler + (kStrictC + ("-O3 -c -o " + folder / "net.o ")) + folder / "net.c")
                        .c_str()),
        0)
        << compiler;
  }
}

/// The C of a graph as functions of this process.
class CModule {
 public:
  explicit CModule(const CSource& source, bool every_compiler = false) {
    folder_.add("net.h", source.header);
    folder_.add("net.c", source.source);
    const std::string library = folder_ / "net.so";
    const std::string command = kOwnCompiler + kStrictC + "-O1 -shared -fPIC -o " + library + " " +
                                folder_ / "net.c" + " -lm";
    EXPECT_EQ(std::system(command.c_str()), 0) << source.source.substr(0, 20000);
    if (every_compiler) expect_strict_c(folder_);
    handle_ = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(handle_, nullptr) << ::dlerror();
  }
  ~CModule() {
    if (handle_ != nullptr) ::dlclose(handle_);
  }
  CModule(const CModule&) = delete;
  CModule& operator=(const CModule&) = delete;

  int call(const std::vector<const void*>& inputs, const std::vector<void*>& outputs) {
    using Call = int(const void* const*, void* const*);
    return reinterpret_cast<Call*>(symbol("net_call"))(inputs.data(), outputs.data());
  }

  struct Array {
    const char* name;
    const char* type;
    int rank;
    long shape[8];
    long bytes;
  };
  struct Kept {
    Array array;
    void* data;
  };
  const Array* inputs() { return static_cast<const Array*>(symbol("net_inputs")); }
  const Array* outputs() { return static_cast<const Array*>(symbol("net_outputs")); }
  const Kept* kept() { return static_cast<const Kept*>(symbol("net_kept")); }

 private:
  void* symbol(const char* name) { return ::dlsym(handle_, name); }

  test::TemporaryFolder folder_;
  void* handle_ = nullptr;
};

/// Floats of a tensor as C has them: real numbers are f32 there.
inline Tensor as_c(const graph::Value& value, const std::vector<double>& values,
                   const Shape& shape) {
  const DType dtype = value.type.dtype;
  const bool is_integer =
      dtype == DType::I32 || dtype == DType::I64 || dtype == DType::U8 || dtype == DType::I8;
  Tensor tensor(is_integer ? dtype : DType::F32, shape);
  graph::store(tensor.view(), values);
  return tensor;
}

inline void expect_c_values(std::string_view name, const std::vector<double>& found,
                            const std::vector<double>& wanted, double tolerance) {
  ASSERT_EQ(found.size(), wanted.size()) << name;
  double largest = 1;
  for (const double value : wanted) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (std::isnan(wanted[i]) && std::isnan(found[i])) continue;
    if (found[i] == wanted[i]) continue;
    ASSERT_NEAR(found[i], wanted[i], tolerance * largest) << name << " at " << i;
  }
}

/// `given` holds values of inputs, params and states by name; all others are random in [-1, 1).
class CCheck {
 public:
  explicit CCheck(graph::Graph graph, std::map<std::string, std::vector<double>> given = {})
      : graph_(std::move(graph)), runner_(graph_, bounds()) {
    Rng rng(7);
    for (const graph::Value& value : graph_.values) {
      if (value.kind != graph::ValueKind::Input && value.kind != graph::ValueKind::Param &&
          value.kind != graph::ValueKind::State) {
        continue;
      }
      std::vector<double> values(static_cast<size_t>(graph_.bound_shape(value.type).count()));
      if (value.kind != graph::ValueKind::State) {  // which are 0 in C, too
        for (double& x : values) x = static_cast<float>(2 * rng.uniform() - 1);
      }
      if (const auto found = given.find(value.name); found != given.end()) values = found->second;
      runner_.set(value.name, values);
      start_.emplace(value.name, as_c(value, values, graph_.bound_shape(value.type)));
    }
  }

  Result<CSource> emit() {
    return emit_c(graph_,
                  [this](std::string_view name) -> std::optional<TensorView> {
                    const auto found = start_.find(std::string(name));
                    return found == start_.end() ? std::nullopt
                                                 : std::optional(found->second.view());
                  },
                  {.name = "net", .origin = "a test"});
  }

  /// `runs` times in a row, since C may keep what it trains.
  void expect_equal(double tolerance = 1e-5, int runs = 1, bool every_compiler = false) {
    const auto source = emit();
    ASSERT_TRUE(source) << source.error().message;
    CModule module(*source, every_compiler);
    for (int run = 0; run < runs; ++run) expect_run(module, tolerance);
  }

 private:
  std::vector<int64_t> bounds() const {
    std::vector<int64_t> extents;
    for (const graph::Symbol& symbol : graph_.symbols) extents.push_back(symbol.bound);
    return extents;
  }

  void expect_run(CModule& module, double tolerance) {
    std::vector<const void*> inputs;
    std::vector<void*> outputs;
    std::vector<Tensor> results;
    std::vector<std::string> names;
    for (const graph::Value& value : graph_.values) {
      if (value.kind == graph::ValueKind::Input) {
        inputs.push_back(start_.at(value.name).view().data);
      }
      if (!value.is_output) continue;
      const Shape shape = graph_.bound_shape(value.type);
      results.push_back(
          as_c(value, std::vector<double>(static_cast<size_t>(shape.count())), shape));
      names.push_back(value.name);
    }
    for (Tensor& result : results) outputs.push_back(result.view().data);
    ASSERT_EQ(module.call(inputs, outputs), 0);
    runner_.run();
    for (size_t i = 0; i < results.size(); ++i) {
      expect_c_values(names[i], graph::load(results[i].view()), runner_.get(names[i]), tolerance);
    }
    const CModule::Kept* kept = module.kept();
    for (size_t i = 0; kept != nullptr && i < kept_count(); ++i) {
      const std::vector<double> found = kept_values(kept[i]);
      expect_c_values(kept[i].array.name, found, runner_.get(kept[i].array.name), tolerance);
    }
  }

  static std::vector<double> kept_values(const CModule::Kept& kept) {
    const bool is_half = std::string_view(kept.array.type) == "<f2";
    const int64_t count = kept.array.bytes / (is_half ? 2 : 4);
    return graph::load({kept.data, is_half ? DType::F16 : DType::F32, Shape{count}});
  }

  size_t kept_count() const {
    size_t count = 0;
    for (size_t id = 0; id < graph_.values.size(); ++id) {
      const graph::Value& value = graph_.values[id];
      bool is_overwritten = false;
      for (size_t other = 0; other < graph_.values.size(); ++other) {
        const auto at = static_cast<graph::ValueId>(other);
        is_overwritten |= other != id && graph_.root(at) == static_cast<graph::ValueId>(id);
      }
      count += value.kind == graph::ValueKind::State ||
               (value.kind == graph::ValueKind::Param && is_overwritten);
    }
    return count;
  }

  graph::Graph graph_;
  support::GraphRunner runner_;
  std::map<std::string, Tensor> start_;
};

/// One operand of expect_c: an input unless it is overwritten.
struct COperand {
  graph::Dims dims = {};
  std::vector<double> values = {};  // empty: random
  DType dtype = DType::F32;
  bool is_kept = false;
  bool is_absent = false;
};

/// The operator's C agrees with its reference.
inline void expect_c(std::string_view op, const std::vector<COperand>& operands,
                     const graph::Attrs& attrs = {}, const std::vector<size_t>& outputs = {0}) {
  SCOPED_TRACE(op);
  graph::Builder b("one");
  std::vector<graph::ValueId> inputs;
  std::map<std::string, std::vector<double>> given;
  for (const COperand& operand : operands) {
    const std::string name = fmt::format("x{}", inputs.size());
    if (operand.is_absent) {
      inputs.push_back(graph::kNone);
      continue;
    }
    inputs.push_back(operand.is_kept ? b.param(name, {operand.dtype, operand.dims})
                                     : b.input(name, {operand.dtype, operand.dims}));
    if (!operand.values.empty()) given[name] = operand.values;
  }
  b.source("layer");
  const std::vector<graph::ValueId> made = b.op_all(op, inputs, attrs);
  for (size_t i = 0; i < made.size() && !made.empty(); ++i) {
    if (std::ranges::count(outputs, i) > 0) b.output(made[i], fmt::format("y{}", i));
  }
  auto graph = b.finish();
  ASSERT_TRUE(graph) << graph.error().message;
  CCheck(std::move(*graph), given).expect_equal();
}

}  // namespace verge::emit
