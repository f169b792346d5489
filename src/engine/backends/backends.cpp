#include <verge/engine/backends/backends.hpp>
#include <verge/engine/backends/int8_dsp/int8_dsp.hpp>
#include <verge/engine/backends/onednn/onednn.hpp>

namespace verge::backends {

std::span<const std::string_view> backend_names() {
  static constexpr std::string_view kNames[] = {kInt8Dsp, kOneDnn};
  return kNames;
}

Result<std::shared_ptr<runtime::Backend>> make_backend(std::string_view name,
                                                       const BackendOptions& options) {
  if (name == kInt8Dsp) return make_int8_dsp(options.dsp_memory_bytes);
  if (name == kOneDnn) return make_onednn();
  return make_error(Code::InvalidArgument, "no backend {}; there are {}", name,
                    fmt::join(backend_names(), " and "));
}

#if !VERGE_WITH_ONEDNN
Result<std::shared_ptr<runtime::Backend>> make_onednn() {
  return make_error(Code::Unsupported,
                    "this build has no backend onednn; build it where libdnnl-dev is installed");
}
#endif

}  // namespace verge::backends
