#include "rules.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>

#include <fmt/format.h>

#include "paths.hpp"

namespace verge::tree {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = test::kSourceDirectory;
constexpr size_t kMostFileLines = 500;
constexpr size_t kMostFunctionLines = 80;

bool is_isa_kernel(const File& file) {
  const std::string folder = file.folder();
  return folder.ends_with("/avx2") || folder.ends_with("/avx512") ||
         folder.ends_with("/avx512_bf16") || folder.ends_with("/neon") ||
         folder.ends_with("/neon_dot") || folder.ends_with("/simd");
}

std::string at(const File& file, size_t line, std::string_view what) {
  return fmt::format("{}:{}: {}", file.path, line + 1, what);
}

// One violation for each line that the pattern is found in.
Violations lines_with(const File& file, const std::regex& pattern, std::string_view what) {
  Violations found;
  for (size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch match;
    if (std::regex_search(file.lines[i], match, pattern)) {
      found.push_back(at(file, i, fmt::format("{} ({})", what, match.str())));
    }
  }
  return found;
}

// The modules in the order of src/CMakeLists.txt, which is the order of what may use what.
const std::vector<std::string>& modules() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> found;
    const std::regex line(R"(^    ([a-z0-9_/]+)\)?$)");
    for (const std::string& text : lines_of("src/CMakeLists.txt")) {
      std::smatch match;
      if (std::regex_search(text, match, line)) found.push_back(match[1]);
    }
    return found;
  }();
  return names;
}

// The place in modules() of the longest module that a path below src/ lies in.
std::optional<size_t> module_of(const std::string& path) {
  std::optional<size_t> best;
  for (size_t i = 0; i < modules().size(); ++i) {
    const std::string& name = modules()[i];
    if (!path.starts_with(name + "/")) continue;
    if (!best || name.size() > modules()[*best].size()) best = i;
  }
  return best;
}

// Sources whose test has another name, and which: a file, or all of a folder.
struct Covered {
  std::string_view source, test;
};
constexpr Covered kCovered[] = {
    {"src/cli/run_report.cpp", "tests/cli/commands/run_test.cpp"},
    // Each kernel runs beside its operator's reference; kernel_test.cpp demands a case for each.
    {"src/engine/kernels/ops/", "tests/engine/kernels/kernel_test.cpp"},
    // Tests of the dispatching file run every instruction set of the machine; those of 64-bit Arm
    // under QEMU (make aarch64).
    {"src/engine/kernels/generic/", "tests/engine/kernels/matmul_test.cpp"},
    {"src/engine/kernels/avx2/", "tests/engine/kernels/matmul_test.cpp"},
    {"src/engine/kernels/avx512/", "tests/engine/kernels/matmul_test.cpp"},
    {"src/engine/kernels/avx512_bf16/", "tests/engine/kernels/matmul_test.cpp"},
    {"src/engine/kernels/neon/", "tests/engine/kernels/matmul_test.cpp"},
    {"src/engine/kernels/neon_dot/", "tests/engine/kernels/matmul_test.cpp"},
    {"src/engine/kernels/attention_tile.cpp", "tests/engine/kernels/dense_attention_test.cpp"},
    {"src/engine/kernels/dense_attention_backward.cpp",
     "tests/engine/kernels/dense_attention_test.cpp"},
    {"src/engine/kernels/conv_plan.cpp", "tests/engine/kernels/conv_test.cpp"},
    {"src/engine/kernels/conv_mirror.cpp", "tests/engine/kernels/conv_test.cpp"},
    {"src/engine/kernels/conv_skipped_pixels.cpp", "tests/engine/kernels/conv_blocked_test.cpp"},
    {"src/engine/kernels/conv_strided.cpp", "tests/engine/kernels/conv_test.cpp"},
    {"src/engine/kernels/conv_forward.cpp", "tests/engine/kernels/conv_test.cpp"},
    {"src/engine/kernels/conv_backward_weight.cpp", "tests/engine/kernels/conv_test.cpp"},
    {"src/engine/graph/passes/int8_weights.cpp", "tests/engine/graph/passes/lower_int8_test.cpp"},
    {"src/engine/graph/passes/int8_pixels.cpp", "tests/engine/graph/passes/lower_int8_test.cpp"},
    {"src/engine/graph/passes/level_forms.cpp", "tests/engine/graph/passes/lower_int8_test.cpp"},
    {"src/engine/graph/passes/level_graph.cpp", "tests/engine/graph/passes/lower_int8_test.cpp"},
    {"src/engine/graph/passes/level_table.cpp", "tests/engine/graph/passes/lower_int8_test.cpp"},
    {"src/engine/nn/level_chains.cpp", "tests/engine/nn/level_network_test.cpp"},
    {"src/engine/nn/level_ranges.cpp", "tests/engine/nn/level_network_test.cpp"},
    {"src/engine/kernels/conv_int8.cpp", "tests/engine/kernels/ops/int8_ops_test.cpp"},
    {"src/engine/kernels/int8_plan.cpp", "tests/engine/kernels/ops/int8_ops_test.cpp"},
    {"src/engine/kernels/int8_rows.cpp", "tests/engine/kernels/ops/int8_ops_test.cpp"},
    {"src/engine/kernels/elements.cpp", "tests/engine/kernels/elementwise_test.cpp"},
    {"src/engine/kernels/level_backward.cpp", "tests/engine/kernels/ops/level_ops_test.cpp"},
    {"src/engine/kernels/level_planes.cpp", "tests/engine/kernels/ops/level_ops_test.cpp"},
    {"src/engine/graph/conv_gradient.cpp", "tests/engine/graph/channel_slices_test.cpp"},
    // Each operator runs on oneDNN beside its reference.
    {"src/engine/backends/onednn/", "tests/engine/backends/onednn/onednn_test.cpp"},
    // Each family's configuration is read there; peer_parity_test.cpp compares its logits.
    {"src/engine/nn/families/", "tests/engine/nn/config_test.cpp"},
    // Each operator of ONNX in a small network, as ONNX Runtime answers it.
    {"src/engine/onnx/ops/", "tests/engine/model/onnx_operators_test.cpp"},
    {"src/engine/onnx/levels.cpp", "tests/engine/model/onnx_operators_test.cpp"},
    {"src/engine/onnx/window.cpp", "tests/engine/model/onnx_operators_test.cpp"},
    {"src/engine/onnx/node_context.cpp", "tests/engine/model/onnx_operators_test.cpp"},
    {"src/engine/onnx/importer.cpp", "tests/engine/onnx/import_test.cpp"},
    // What is lowered is exported, imported again and run.
    {"src/engine/onnx/lowering/", "tests/engine/onnx/export_test.cpp"},
    // The parts of one step from a file and samples to a file.
    {"src/stages/fit/quantize_network/compare.cpp",
     "tests/stages/fit/quantize_network/quantize_network_test.cpp"},
    {"src/stages/fit/quantize_network/fold_norms.cpp",
     "tests/stages/fit/quantize_network/quantize_network_test.cpp"},
    {"src/stages/fit/quantize_network/network_runner.cpp",
     "tests/stages/fit/quantize_network/quantize_network_test.cpp"},
    {"src/stages/fit/quantize_network/placement.cpp",
     "tests/stages/fit/quantize_network/quantize_network_test.cpp"},
    {"src/stages/fit/quantize_network/qdq_model.cpp",
     "tests/stages/fit/quantize_network/quantize_network_test.cpp"},
    {"src/cli/sample_sets.cpp", "tests/cli/network_quantize_test.cpp"},
    // Pictures of each format are read whole, cut and damaged.
    {"src/engine/format/image/png.cpp", "tests/engine/format/image/reader_test.cpp"},
    {"src/engine/format/image/webp.cpp", "tests/engine/format/image/reader_test.cpp"},
    // Each model's tokens are those of the tokenizer.
    {"src/engine/emit/c_text_models.cpp", "tests/engine/emit/c_tokenizer_test.cpp"},
    {"src/engine/quality/task_file.cpp", "tests/engine/quality/tasks_test.cpp"},
    {"src/engine/text/pretokenizer_table.cpp", "tests/engine/text/pretokenizer_test.cpp"},
    // The protocol's messages, all of which protocol_test.cpp sends to and fro.
    {"src/stages/serve/collab/field_reader.cpp", "tests/stages/serve/collab/protocol_test.cpp"},
    {"src/stages/serve/collab/session_bodies.cpp", "tests/stages/serve/collab/protocol_test.cpp"},
    {"src/stages/serve/collab/token_bodies.cpp", "tests/stages/serve/collab/protocol_test.cpp"},
    {"src/cli/commands/completion.cpp", "tests/cli/shell_test.cpp"},
    {"src/cli/commands/man.cpp", "tests/cli/shell_test.cpp"},
    {"src/cli/commands/key_add.cpp", "tests/cli/commands/key_test.cpp"},
    {"src/cli/commands/key_list.cpp", "tests/cli/commands/key_test.cpp"},
    {"src/cli/commands/key_revoke.cpp", "tests/cli/commands/key_test.cpp"},
    {"src/cli/commands/node_doctor.cpp", "tests/cli/commands/node_test.cpp"},
    {"src/cli/commands/node_forget.cpp", "tests/cli/commands/node_test.cpp"},
    {"src/cli/commands/node_init.cpp", "tests/cli/commands/node_test.cpp"},
    {"src/cli/commands/node_invite.cpp", "tests/cli/commands/node_test.cpp"},
    {"src/cli/commands/node_join.cpp", "tests/cli/commands/node_test.cpp"},
    {"src/cli/commands/node_list.cpp", "tests/cli/commands/node_test.cpp"},
    {"src/cli/commands/node_pause.cpp", "tests/cli/commands/node_test.cpp"},
    {"src/cli/commands/node_renew.cpp", "tests/cli/node_renewal_test.cpp"},
    {"src/cli/commands/node_resume.cpp", "tests/cli/commands/node_test.cpp"},
    {"src/cli/commands/node_start.cpp", "tests/cli/commands/node_test.cpp"},
    {"src/cli/node_joining.cpp", "tests/cli/commands/node_test.cpp"},
    {"src/cli/commands/node_stats.cpp", "tests/cli/commands/node_bench_test.cpp"},
    {"src/cli/commands/model_list.cpp", "tests/cli/commands/model_test.cpp"},
    {"src/cli/commands/model_import.cpp", "tests/cli/commands/model_test.cpp"},
    {"src/cli/commands/model_inspect.cpp", "tests/cli/commands/model_test.cpp"},
    {"src/cli/commands/model_export.cpp", "tests/cli/commands/model_test.cpp"},
    {"src/cli/commands/model_verify.cpp", "tests/cli/commands/model_test.cpp"},
    {"src/cli/commands/model_rm.cpp", "tests/cli/commands/model_test.cpp"},
    {"src/cli/commands/model_apply.cpp", "tests/cli/commands/model_diff_test.cpp"},
    // What the service does is seen at its routes.
    {"src/stages/serve/api/generation.cpp", "tests/stages/serve/api/openai_routes_test.cpp"},
    {"src/stages/serve/api/generation_prompts.cpp",
     "tests/stages/serve/api/openai_routes_test.cpp"},
    {"src/stages/serve/api/embedding_job.cpp", "tests/stages/serve/api/openai_routes_test.cpp"},
    {"src/stages/serve/api/job.cpp", "tests/stages/serve/api/service_test.cpp"},
    {"src/stages/serve/api/model_facts.cpp", "tests/stages/serve/api/model_directory_test.cpp"},
    {"src/cli/talk.cpp", "tests/cli/commands/chat_test.cpp"},
    {"src/cli/collab_device.cpp", "tests/cli/collab_run_test.cpp"},
    {"src/cli/collab_model.cpp", "tests/cli/collab_run_test.cpp"},
    {"src/cli/collab_modes.cpp", "tests/cli/collab_run_test.cpp"},
    {"src/cli/collab_server.cpp", "tests/cli/collab_run_test.cpp"},
    {"src/cli/commands/fit_exits.cpp", "tests/cli/exit_policy_test.cpp"},
    {"src/cli/node_home.cpp", "tests/cli/commands/node_test.cpp"},
    {"src/cli/main.cpp", "tests/cli/application_test.cpp"},
};

}  // namespace

Violations is_short(const File& file) {
  if (is_isa_kernel(file) || file.lines.size() <= kMostFileLines) return {};
  return {fmt::format("{}: {} lines", file.path, file.lines.size())};
}

// A body ends at "}" in column 0 or 2 and begins behind the last line before it of that indent.
Violations functions_are_short(const File& file) {
  Violations found;
  if (is_isa_kernel(file)) return found;
  for (const std::string indent : {"", "  "}) {
    size_t begin = 0;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      const bool is_at_indent = line.starts_with(indent) && line.size() > indent.size() &&
                                line[indent.size()] != ' ' && line[indent.size()] != '#';
      if (!is_at_indent) continue;
      if (line == indent + "}" && i - begin > kMostFunctionLines) {
        found.push_back(at(file, begin, fmt::format("a function of {} lines", i - begin)));
      }
      begin = i;
    }
  }
  return found;
}

Violations includes_by_full_path(const File& file) {
  static const std::regex quoted(R"(^\s*#\s*include\s+")");
  static const std::regex upward(R"(^\s*#\s*include\s+["<](\.\./\.\./|verge/.*"))");
  const bool is_product = file.path.starts_with("src/");
  return lines_with(file, is_product ? quoted : upward, "include <verge/...>");
}

// "stages/serve/chat" is of the stage "stages/serve".
bool is_stage(std::string_view module) {
  return module.starts_with("stages/");
}

std::string_view stage_of(std::string_view module) {
  return module.substr(0, module.rfind('/'));
}

Violations includes_downward(const File& file) {
  static const std::regex include(R"(^\s*#\s*include\s+<verge/([^>]+)>)");
  Violations found;
  const std::optional<size_t> own = module_of(file.path.substr(std::string_view("src/").size()));
  for (size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch match;
    if (!std::regex_search(file.lines[i], match, include)) continue;
    const std::optional<size_t> used = module_of(match[1]);
    const bool is_upward = own && used && *used > *own;
    const bool is_sideways = own && used && *used != *own && is_stage(modules()[*own]) &&
                             is_stage(modules()[*used]) &&
                             stage_of(modules()[*own]) != stage_of(modules()[*used]);
    if (is_upward || is_sideways) found.push_back(at(file, i, match.str()));
  }
  return found;
}

Violations begins_with_pragma_once(const File& file) {
  if (!file.lines.empty() && file.lines.front() == "#pragma once") return {};
  return {at(file, 0, "#pragma once is missing")};
}

Violations has_no_forbidden_words(const File& file) {
  // Split, so that this file does not hold them.
  static const std::regex words(
      "\\b(TO"
      "DO|FIX"
      "ME|XX"
      "X|HA"
      "CK)\\b|/wo"
      "rk/|/tmp/w"
      "t|/ho"
      "me/[a-z]");
  return lines_with(file, words, "unfinished work or a path of one machine");
}

Violations never_prints_or_exits(const File& file) {
  static const std::regex calls(
      R"(\bstd::(cout|cerr|clog)\b|\bf?printf\s*\(|\bfmt::print\b|\b(std::|_)?exit\s*\()");
  if (file.path.starts_with("src/cli/")) return {};
  return lines_with(file, calls, "libraries never print and never exit");
}

Violations takes_clock_and_chance_from_core(const File& file) {
  static const std::regex sources(R"(\b(steady|system|high_resolution)_clock\b|\brandom_device\b)");
  if (file.path.starts_with("src/core/")) return {};
  return lines_with(file, sources, "use core's Clock and Rng");
}

Violations has_a_mirrored_test(const File& file) {
  const std::string below = file.path.substr(std::string_view("src/").size());
  const std::string mirror = fmt::format("tests/{}_test.cpp", below.substr(0, below.size() - 4));
  if (exists(mirror)) return {};
  for (const Covered& covered : kCovered) {
    const bool is_folder = covered.source.ends_with('/');
    const bool stands =
        is_folder ? file.path.starts_with(covered.source) : file.path == covered.source;
    if (stands && exists(std::string(covered.test))) return {};
  }
  return {fmt::format("{}: there is no {}", file.path, mirror)};
}

std::vector<File> files_of(std::string_view folder, const std::vector<std::string>& endings) {
  std::vector<File> files;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
    if (std::ranges::count(endings, entry.path().extension().string()) == 0) continue;
    const std::string path = entry.path().lexically_relative(kRoot).generic_string();
    files.push_back({path, lines_of(path)});
  }
  std::ranges::sort(files, {}, &File::path);
  return files;
}

std::vector<std::string> lines_of(const std::string& path_from_root) {
  std::ifstream file(kRoot / path_from_root);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

bool exists(const std::string& path_from_root) {
  return fs::exists(kRoot / path_from_root);
}

}  // namespace verge::tree
