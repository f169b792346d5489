#include <verge/stages/serve/scheduler/snapshot.hpp>

namespace verge::serve {

std::string_view name(LoadState state) {
  switch (state) {
    case LoadState::Unloaded:
      return "unloaded";
    case LoadState::Loading:
      return "loading";
    case LoadState::Ready:
      return "ready";
    case LoadState::Failed:
      return "failed";
  }
  return "failed";
}

}  // namespace verge::serve
