#pragma once
// build_program: the C of a graph, made a static and stripped program by the machine's compiler.

#include <string>
#include <string_view>

#include <verge/engine/emit/c_source.hpp>

namespace verge::emit {

enum class Target { Host, Aarch64 };

/// "host", "aarch64"; nothing for another name.
std::optional<Target> target_from_name(std::string_view name);

/// Writes `output` and returns its bytes. `name` is that of the source (COptions), `main` what
/// calls it (c_program.hpp, c_training_program.hpp). Fails with NotFound where the target's
/// compiler is not installed, naming its package; Io where it fails, with what it said.
Result<int64_t> build_program(const CSource& source, std::string_view name, std::string_view main,
                              Target target, const std::string& output);
/// The same with the main of c_program.hpp.
Result<int64_t> build_program(const CSource& source, std::string_view name, Target target,
                              const std::string& output);

}  // namespace verge::emit
