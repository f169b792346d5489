#include <algorithm>

#include <verge/cli/collab_bench_report.hpp>
#include <verge/cli/command.hpp>
#include <verge/cli/progress.hpp>
#include <verge/core/file.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  CollabBenchOptions bench;
  std::string prompts;
  std::vector<int64_t> clients = {1};
  std::vector<std::string> modes = {"cloud", "naive", "collab", "auto", "standalone"};
  std::string csv;
  std::string svg;
};

Result<std::vector<CollabBenchCase>> cases_of(const Options& options) {
  std::vector<CollabBenchCase> cases;
  for (const int64_t clients : options.clients) {
    if (clients < 1) {
      return make_error(Code::InvalidArgument, "--clients {}: use 1 or more", clients);
    }
    for (const std::string& name : options.modes) {
      const auto mode = serve::collab_mode(name);
      if (!mode) {
        return make_error(
            Code::InvalidArgument,
            "--modes {}: there is no such mode; there are cloud, naive, collab, auto, "
            "standalone",
            name);
      }
      cases.push_back({*mode, clients});
    }
  }
  return cases;
}

// To the file, if one is wanted.
Status write_to(const std::string& path, const std::string& text) {
  if (path.empty()) return {};
  return write_whole_file(path, text);
}

Status execute(const Options& options, Context& context) {
  const SystemClock clock;
  VERGE_TRY(const std::vector<CollabBenchCase> cases, cases_of(options));
  VERGE_TRY(std::vector<std::string> prompts, read_prompts(options.prompts));
  Progress progress(context, clock);
  VERGE_TRY(const auto bench,
            CollabBench::create(options.bench, std::move(prompts),
                                *std::ranges::max_element(options.clients), clock));
  std::vector<CollabBenchRow> rows;
  for (const CollabBenchCase& of : cases) {
    VERGE_TRY(rows.emplace_back(), bench->run(of, [&](const auto& now, int64_t done, int64_t all) {
      progress.show(fmt::format("{}, {} clients: {} of {} answers", serve::name(now.mode),
                                now.clients, done, all));
    }));
  }
  progress.clear();
  VERGE_RETURN_IF_ERROR(write_to(options.csv, to_csv(rows)));
  VERGE_RETURN_IF_ERROR(write_to(options.svg, to_svg(rows)));
  if (!context.json) {
    print_bench_rows(rows, context.out);
    return {};
  }
  Json list = Json::array();
  for (const CollabBenchRow& row : rows) list.push_back(to_json(row));
  print_json_line({{"rows", list}}, context.out);
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  CollabBenchOptions& bench = options->bench;
  bench.model.threads.threads = 1;
  bench.model.declare(parser);
  bench.device.declare_device(parser);
  parser
      .add_option("--prompts", options->prompts,
                  "A file with a prompt on each line; \"\\n\" in it is a line's end")
      .required();
  parser.add_option("-n,--tokens", bench.tokens, "Tokens of an answer, past any end of text")
      .positive();
  parser
      .add_option("--answers", bench.answers,
                  "How many; prompts begin anew after the last; 0: each prompt once")
      .not_negative();
  parser
      .add_option("--draft-tokens", bench.draft_tokens,
                  "Tokens that a device may draft while its cloud is asked")
      .not_negative();
  parser.add_option("--clients", options->clients, "Devices at once: one case for each number")
      .separated_by(',');
  parser.add_option("--modes", options->modes, "In this order; cloud is what others are held to")
      .separated_by(',');
  parser.add_option("--whole", bench.whole,
                    "The model before it was split: count the tokens that it writes after the same "
                    "text");
  parser.add_option("--csv", options->csv, "Write the rows here");
  parser.add_option("--svg", options->svg, "Draw where the seconds go");
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command node_bench() {
  return {"node bench", "Everyday", "Measure what a split model brings many devices and their node",
          "  verge node bench edge.gguf --cloud home.example:7443 --prompts prompts.txt\n"
          "  verge node bench edge.gguf --cloud home.example:7443 --prompts prompts.txt --clients "
          "1,8,32 --link 23mbit,20ms --svg modes.svg",
          declare};
}

}  // namespace verge::cli::commands
