#include <dlfcn.h>

#include <verge/engine/backends/onednn/library.hpp>
#include <verge/engine/backends/onednn/team.hpp>

namespace verge::backends::onednn {
namespace {

constexpr const char* kFile = "libdnnl.so.2";

template <typename Function>
bool find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  return function != nullptr;
}

}  // namespace

Library::~Library() {
  if (stream != nullptr) stream_destroy(stream);
  if (engine != nullptr) engine_destroy(engine);
}

Status check_version(const dnnl_version_t& version) {
  if (version.major != DNNL_VERSION_MAJOR || version.minor < DNNL_VERSION_MINOR) {
    return make_error(Code::Unsupported, "{} is version {}.{}, this build needs {}.{}", kFile,
                      version.major, version.minor, DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR);
  }
  if (version.cpu_runtime == DNNL_RUNTIME_OMP) return {};
  return make_error(Code::Unsupported,
                    "{} is not built on OpenMP, so it would run on threads of its own; install "
                    "the package libdnnl2",
                    kFile);
}

Result<std::shared_ptr<const Library>> load_library() {
  use_teams();
  void* handle = dlopen(kFile, RTLD_NOW | RTLD_LOCAL);  // stays: its code may be running at exit
  if (handle == nullptr) {
    return make_error(Code::NotFound,
                      "the backend onednn needs the library {}, which cannot be loaded ({}); "
                      "install the package libdnnl2 (apt-get install libdnnl2)",
                      kFile, dlerror());
  }
  auto library = std::make_shared<Library>();
  const char* missing = nullptr;
#define VERGE_ONEDNN_FIND(name) \
  if (!find(handle, "dnnl_" #name, library->name)) missing = "dnnl_" #name;
  VERGE_ONEDNN_FUNCTIONS(VERGE_ONEDNN_FIND)
#undef VERGE_ONEDNN_FIND
  if (missing != nullptr) {
    return make_error(Code::Unsupported, "{} has no function {}; install the package libdnnl2",
                      kFile, missing);
  }
  VERGE_RETURN_IF_ERROR(check_version(*library->version()));
  if (library->engine_create(&library->engine, dnnl_cpu, 0) != dnnl_success ||
      library->stream_create(&library->stream, library->engine, dnnl_stream_default_flags) !=
          dnnl_success) {
    return make_error(Code::Unsupported, "oneDNN finds no processor that it can use");
  }
  return std::shared_ptr<const Library>(std::move(library));
}

}  // namespace verge::backends::onednn
