#include <ostream>

#include <verge/cli/reference_warning.hpp>
#include <verge/engine/runtime/reference_nodes.hpp>

namespace verge::cli {

std::vector<std::string> warn_of_reference(std::vector<std::string> nodes, Context& context) {
  if (!nodes.empty()) context.err << runtime::reference_warning(nodes) << "\n";
  return nodes;
}

}  // namespace verge::cli
