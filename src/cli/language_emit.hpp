#pragma once
// What `compile --emit c` and `--emit elf` write of a language model: its step as C, or a program
// that continues texts.

#include <string>

#include <verge/cli/network_emit.hpp>
#include <verge/cli/options.hpp>

namespace verge::cli {

/// --context and --kv count. Fails with InvalidArgument for --shape and --value, with Unsupported
/// for operators, formats of weights and, of a program, tokenizers that have no C.
Status emit_language_model(const EmitOptions& options, const ModelOptions& model,
                           const std::string& output, Context& context);

}  // namespace verge::cli
