#pragma once
// What `verge node bench` prints, and keeps in files.

#include <verge/cli/collab_bench.hpp>
#include <verge/cli/json.hpp>

namespace verge::cli {

Json to_json(const CollabBenchRow& row);
void print_bench_rows(const std::vector<CollabBenchRow>& rows, std::ostream& out);
/// A line of names, then a line for each row; the names are those of the JSON object, "a.b" for one
/// within another.
std::string to_csv(const std::vector<CollabBenchRow>& rows);
/// Seconds of an answer by what they went to: a bar for each row.
std::string to_svg(const std::vector<CollabBenchRow>& rows);

}  // namespace verge::cli
