#pragma once
// Nodes as a table and as JSON.

#include <iosfwd>
#include <vector>

#include <verge/cli/json.hpp>
#include <verge/platform/fleet/node_book.hpp>

namespace verge::cli {

Json to_json(const fleet::Capability& capability);
Json to_json(const fleet::KnownNode& node);
void print_nodes(const std::vector<fleet::KnownNode>& nodes, int64_t now_unix_s, std::ostream& out);

/// "20.1 ms, up 1.2 MB/s, down 8.1 MB/s".
std::string show_link(const fleet::LinkReport& link);

}  // namespace verge::cli
