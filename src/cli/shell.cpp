#include <ostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <verge/cli/shell.hpp>

namespace verge::cli {
namespace {

struct Verb {
  std::string line;                // "model list"
  std::vector<std::string> words;  // options and subcommands that may follow
  const CLI::App* app;
  bool takes_model;  // a stored model's name may follow
};

bool takes_model(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_name(true);
    if (option->get_positional() && (name == "MODEL" || name == "NAME")) return true;
  }
  return false;
}

std::vector<std::string> long_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

void collect(const CLI::App& app, const std::string& line, std::vector<Verb>& verbs) {
  Verb verb{line, long_options(app), &app, takes_model(app)};
  for (const CLI::App* sub : app.get_subcommands(nullptr)) verb.words.push_back(sub->get_name());
  verbs.push_back(std::move(verb));
  for (const CLI::App* sub : app.get_subcommands(nullptr)) {
    collect(*sub, line.empty() ? sub->get_name() : line + " " + sub->get_name(), verbs);
  }
}

std::vector<Verb> all_verbs(const CLI::App& root) {
  std::vector<Verb> verbs;
  collect(root, "", verbs);
  return verbs;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

void print_bash(const CLI::App& root, std::ostream& out) {
  out << "_verge() {\n  local word line=\"\" i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    [[ ${COMP_WORDS[i]} == -* ]] && break\n"
         "    line=\"${line:+$line }${COMP_WORDS[i]}\"\n  done\n"
         "  word=${COMP_WORDS[COMP_CWORD]}\n  local words=\"\" models=\"\"\n  while :; do\n    "
         "case $line in\n";
  for (const Verb& verb : all_verbs(root)) {
    out << "      '" << verb.line << "') words='" << join(verb.words)
        << (verb.takes_model ? "'; models=1; break ;;\n" : "'; break ;;\n");
  }
  out << "      *) line=${line% *} ;;\n    esac\n  done\n"
         "  [[ -n $models ]] && words+=\" $(verge model list --names 2> /dev/null)\"\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
         "  [[ ${#COMPREPLY[@]} -eq 0 || ( -n $models && $word != -* ) ]] && COMPREPLY+=($(compgen "
         "-f -- \"$word\"))\n}\n"
         "complete -o filenames -F _verge verge\n";
}

void print_fish(const CLI::App& root, std::ostream& out) {
  for (const Verb& verb : all_verbs(root)) {
    const std::string condition = verb.line.empty()
                                      ? "__fish_use_subcommand"
                                      : "__fish_seen_subcommand_from " + verb.app->get_name();
    if (verb.takes_model) {
      out << "complete -c verge -n '" << condition
          << "' -a '(verge model list --names 2> /dev/null)'\n";
    }
    for (const std::string& word : verb.words) {
      const bool is_long = word.starts_with("--");
      out << "complete -c verge -n '" << condition << "' "
          << (is_long ? "-l " + word.substr(2) : "-a '" + word + "'") << "\n";
    }
  }
}

std::string roff(std::string text) {
  for (size_t at = 0; (at = text.find_first_of("-\\", at)) != std::string::npos; at += 2) {
    text.insert(at, "\\");
  }
  return text;
}

}  // namespace

bool print_completion(const CLI::App& root, std::string_view shell, std::ostream& out) {
  if (shell == "zsh") out << "autoload -U +X bashcompinit && bashcompinit\n";
  if (shell == "bash" || shell == "zsh") {
    print_bash(root, out);
    return true;
  }
  if (shell != "fish") return false;
  print_fish(root, out);
  return true;
}

void print_man_page(const CLI::App& root, std::ostream& out) {
  out << ".TH VERGE 1\n.SH NAME\nverge \\- " << roff(root.get_description())
      << "\n.SH SYNOPSIS\n.B verge\n.I COMMAND\n[options]\n.SH COMMANDS\n";
  for (const Verb& verb : all_verbs(root)) {
    if (verb.line.empty() || !verb.app->get_subcommands(nullptr).empty()) continue;
    out << ".SS verge " << roff(verb.line) << "\n" << roff(verb.app->get_description()) << "\n";
    for (const CLI::Option* option : verb.app->get_options()) {
      out << ".TP\n.B " << roff(option->get_name(false, true)) << "\n"
          << roff(option->get_description()) << "\n";
    }
    out << ".PP\n.nf\n" << roff(verb.app->get_footer()) << "\n.fi\n";
  }
  out << ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong use.\n";
}

}  // namespace verge::cli
