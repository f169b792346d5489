#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/exit_policy.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/stages/fit/split/split_model.hpp>

namespace verge::cli::commands {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::string model;
  std::vector<std::string> out;  // edge, cloud
  std::vector<int64_t> exits;
  std::string policy;
};

Result<fit::SplitPoints> points_of(const Options& options, const format::ModelSource& source) {
  if (!options.policy.empty()) {
    VERGE_TRY(const ExitPolicy policy, read_policy(options.policy));
    VERGE_TRY(const std::string hash, model::model_hash(source));
    const std::array exits = policy.exits;
    VERGE_RETURN_IF_ERROR(check_policy(policy, options.policy, hash, exits));
    return fit::SplitPoints{exits[0], exits[1]};
  }
  if (options.exits.empty()) return fit::SplitPoints{};
  if (options.exits.size() == 2) return fit::SplitPoints{options.exits[0], options.exits[1]};
  return make_error(Code::InvalidArgument, "--exits names {} heads; give two, as --exits 2,4",
                    options.exits.size());
}

ordered_json part_json(const fit::SplitPart& part) {
  return {{"file", part.path},
          {"layers", {part.layers.first, part.layers.end}},
          {"tensors", part.tensors},
          {"bytes", part.bytes}};
}

void print_json(const Options& options, const fit::SplitReport& report, std::ostream& out) {
  const ordered_json json = {{"model", options.model},
                             {"model_hash", report.model},
                             {"tokenizer_hash", report.tokenizer},
                             {"layers", report.layers},
                             {"exits", {report.exits.first, report.exits.second}},
                             {"source_bytes", report.source_bytes},
                             {"edge", part_json(report.edge)},
                             {"cloud", part_json(report.cloud)}};
  print_json_line(json, out);
}

void print_part(const fit::SplitReport& report, const char* name, const fit::SplitPart& part,
                std::ostream& out) {
  out << fmt::format("{:<6} {}: layers {} to {} of {}, {} tensors, {:.2f} MiB\n", name, part.path,
                     part.layers.first, part.layers.end, report.layers, part.tensors,
                     static_cast<double>(part.bytes) / (1 << 20));
}

void print_text(const Options& options, const fit::SplitReport& report, std::ostream& out) {
  out << fmt::format("{}: {:.2f} MiB, exits after {} and {} of {} layers\n", options.model,
                     static_cast<double>(report.source_bytes) / (1 << 20), report.exits.first,
                     report.exits.second, report.layers);
  print_part(report, "edge", report.edge, out);
  print_part(report, "cloud", report.cloud, out);
}

Status execute(const Options& options, Context& context) {
  VERGE_TRY(const std::string path, model_path(options.model));
  VERGE_TRY(const auto source, format::ModelSource::open(path));
  VERGE_TRY(const fit::SplitPoints points, points_of(options, source));
  VERGE_TRY(const fit::SplitReport report,
            fit::split_model(source, points, options.out[0], options.out[1], context.command_line));
  if (context.json) {
    print_json(options, report, context.out);
  } else {
    print_text(options, report, context.out);
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser.add_option("MODEL", options->model, kModelHelp).required();
  parser
      .add_option("-o,--out", options->out,
                  "The two GGUF files to write: the edge's, then the cloud's")
      .words(2)
      .required();
  parser
      .add_option("--exits", options->exits,
                  "E1,E2: layers before the two exit heads of the edge; by default the first two "
                  "there are")
      .separated_by(',');
  parser.add_option("--policy", options->policy, "The exits that `verge fit exits` chose");
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command fit_split() {
  return {"fit split", "Models", "Split a model with early exits between an edge and a cloud",
          "  verge fit split models/verge-lm.gguf -o edge.gguf cloud.gguf\n"
          "  verge fit split model.gguf -o edge.gguf cloud.gguf --exits 8,16 --json",
          declare};
}

}  // namespace verge::cli::commands
