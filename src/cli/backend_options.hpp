#pragma once
// --backend: what runs a network beside Verge's own kernels.

#include <string>

#include <verge/cli/command.hpp>
#include <verge/cli/parser.hpp>
#include <verge/engine/backends/backends.hpp>
#include <verge/engine/runtime/plan.hpp>

namespace verge::cli {

struct BackendOptions {
  std::string backend = "cpu";
  std::string memory;  // of a backend that has its own

  void declare(Parser& parser);
  /// Puts what is asked for into the options of a plan. With `auto`, a backend that is not there is
  /// said so and left out; by name, it fails as backends::make_backend.
  Status apply(runtime::PlanOptions& plan, Context& context) const;
  /// Fails with InvalidArgument where a backend is asked for, on the command line, for a language
  /// model.
  Status refuse_language_model(const std::string& model, const Context& context) const;
  /// Whether the command line names a backend, or auto.
  bool is_asked(const Context& context) const;
  /// The backend of this name; fails with InvalidArgument for "cpu" and "auto", and for a memory
  /// that no such backend has.
  Result<std::shared_ptr<runtime::Backend>> make(const Context& context) const;

 private:
  Result<int64_t> read_memory(const Context& context) const;
};

/// Says on standard error that `auto` does without its backend, if `why` is not empty.
void say_left_out(const std::string& why, Context& context);

}  // namespace verge::cli
