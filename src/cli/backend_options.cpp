#include <ostream>

#include <verge/cli/backend_options.hpp>
#include <verge/cli/config_file.hpp>
#include <verge/cli/options.hpp>
#include <verge/engine/backends/int8_dsp/int8_dsp.hpp>
#include <verge/engine/backends/onednn/onednn.hpp>

namespace verge::cli {

void BackendOptions::declare(Parser& parser) {
  parser.add_option("--backend", backend,
                    "Of an ONNX network: what runs the parts that it can: onednn, int8-dsp; auto: "
                    "whichever is faster here; cpu: Verge's own kernels alone");
  parser.add_option("--backend-memory", memory,
                    "How much memory int8-dsp has, 8M without; what exceeds it stays on the CPU");
}

bool BackendOptions::is_asked(const Context& context) const {
  return backend != "cpu" && ConfigFile::is_on_command_line(*context.root, "backend");
}

// What the configuration file says is for when such a backend is asked for.
Result<int64_t> BackendOptions::read_memory(const Context& context) const {
  VERGE_TRY(const int64_t bytes, size_option("--backend-memory", memory));
  if (backend == backends::kInt8Dsp) return bytes;
  if (!ConfigFile::is_on_command_line(*context.root, "backend-memory")) return 0;
  return make_error(Code::InvalidArgument,
                    "--backend-memory {}: only int8-dsp has a memory of its own; give --backend "
                    "int8-dsp as well",
                    memory);
}

Result<std::shared_ptr<runtime::Backend>> BackendOptions::make(const Context& context) const {
  if (backend == "auto") {
    return make_error(Code::InvalidArgument, "--backend auto: this needs a name: {}",
                      fmt::join(backends::backend_names(), " or "));
  }
  backends::BackendOptions options;
  VERGE_TRY(const int64_t bytes, read_memory(context));
  if (bytes > 0) options.dsp_memory_bytes = bytes;
  auto made = backends::make_backend(backend, options);
  if (made || made.error().code != Code::InvalidArgument) return made;
  return make_error(Code::InvalidArgument, "--backend {}: give {}, auto or cpu", backend,
                    fmt::join(backends::backend_names(), ", "));
}

Status BackendOptions::refuse_language_model(const std::string& model,
                                             const Context& context) const {
  VERGE_TRY([[maybe_unused]] const int64_t bytes, read_memory(context));
  if (!is_asked(context)) return {};
  return make_error(Code::InvalidArgument,
                    "{}: --backend is for ONNX networks; how long a prompt of a language model is "
                    "is known only at a run, which no backend takes",
                    model);
}

Status BackendOptions::apply(runtime::PlanOptions& plan, Context& context) const {
  VERGE_TRY([[maybe_unused]] const int64_t bytes, read_memory(context));
  if (backend == "cpu") return {};
  if (backend != "auto") {
    VERGE_TRY(auto made, make(context));
    plan.backends = {std::move(made)};
    return {};
  }
  auto made = backends::make_onednn();
  if (!made) {
    say_left_out(made.error().message, context);
    return {};
  }
  plan.backends = {*made};
  plan.times_backends = true;
  return {};
}

void say_left_out(const std::string& why, Context& context) {
  if (!why.empty()) context.err << "auto: without onednn: " << why << "\n";
}

}  // namespace verge::cli
