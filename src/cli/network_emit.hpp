#pragma once
// What `compile --emit c` and `--emit elf` write: a network as C or as a program of its own.

#include <string>

#include <verge/cli/command.hpp>
#include <verge/cli/network_options.hpp>
#include <verge/engine/emit/c_source.hpp>

namespace verge::cli {

/// --emit, --target, --shape, --value.
struct EmitOptions {
  std::string emit = "plan";
  std::string target = "host";
  ShapeOptions shapes;

  void declare(Parser& parser);
  bool is_plan() const { return emit == "plan"; }
  /// Of a plan: fails with InvalidArgument for options that are not for it.
  Status check_plan() const;
  /// Of a plan: fails with InvalidArgument for --target.
  Status check_target() const;
};

/// A source as --emit says: C and its header, or a program with this main. Says what it wrote.
struct EmittedSource {
  const emit::CSource& source;
  std::string name;  // of the source
  std::string main;
  size_t nodes = 0;
};
Status write_source(const EmitOptions& options, const EmittedSource& emitted,
                    const std::string& output, Context& context);
/// The name of what is written to `output`, as C wants it. Fails with InvalidArgument for a name of
/// C that does not end in .c.
Result<std::string> source_name(const EmitOptions& options, const std::string& output);

/// Whether MODEL is a network by its name: an ONNX file, or a classifier of train image.
bool is_emitted_network(const std::string& model);

/// Fails as reading the network does, and with Unsupported where nodes have no C, naming them.
Status emit_network(const EmitOptions& options, const std::string& model, const std::string& output,
                    Context& context);

}  // namespace verge::cli
