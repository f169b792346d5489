#include <iostream>

#include <nlohmann/json.hpp>

#include <verge/cli/command.hpp>
#include <verge/cli/json.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/cli/options.hpp>
#include <verge/cli/parser.hpp>
#include <verge/engine/model/file_facts.hpp>
#include <verge/engine/text/tokenizer.hpp>

namespace verge::cli::commands {
namespace {

struct Options {
  std::string model;
  bool no_special = false;
  bool parse_special = false;
};

Status execute(const Options& options, Context& context) {
  VERGE_TRY(const std::string path, model_path(options.model));
  VERGE_TRY(const auto source, format::ModelSource::open(path));
  VERGE_TRY(text::Vocabulary vocabulary, model::read_vocabulary(source));
  VERGE_TRY(const auto tokenizer, text::make_tokenizer(std::move(vocabulary)));
  const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  const auto tokens = tokenizer->encode(
      text, {.add_special = !options.no_special, .parse_special = options.parse_special});
  if (context.json) {
    print_json_line({{"tokens", tokens}}, context.out);
    return {};
  }
  for (int32_t token : tokens) {
    context.out << fmt::format("{:>8}  {}\n", token,
                               nlohmann::json(tokenizer->piece(token))
                                   .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  return {};
}

Action declare(Parser& parser, Context& context) {
  auto options = std::make_shared<Options>();
  parser.add_option("MODEL", options->model, kModelHelp).required();
  parser.add_flag("--no-special", options->no_special, "Do not add begin- and end-of-text tokens");
  parser.add_flag("--parse-special", options->parse_special, "Read control tokens in the text");
  return [options, &context] { return execute(*options, context); };
}

}  // namespace

Command tokenize() {
  return {"tokenize", "Everyday", "Show the tokens of standard input",
          "  echo 'Hello, world' | verge tokenize model.gguf", declare};
}

}  // namespace verge::cli::commands
