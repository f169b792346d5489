#include <filesystem>

#include <verge/core/atomic_folder.hpp>
#include <verge/core/file.hpp>
#include <verge/core/run_program.hpp>
#include <verge/engine/emit/c_program.hpp>
#include <verge/engine/emit/program_build.hpp>

namespace verge::emit {
namespace {

namespace fs = std::filesystem;

struct Compiler {
  const char* command;
  const char* package;  // of Debian
  const char* machine;  // its instructions
};

constexpr Compiler kCompilers[] = {
    {"gcc", "gcc", "-march=native"},
    {"aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu", "-march=armv8-a"},
};

Status compile(const Compiler& compiler, const std::vector<std::string>& sources,
               const std::string& program) {
  std::vector<std::string> words = {compiler.command,
                                    "-std=c99",
                                    "-O3",
                                    compiler.machine,
                                    "-ffp-contract=fast",
                                    "-ffunction-sections",
                                    "-fdata-sections",
                                    "-static",
                                    "-s",
                                    "-Wl,--gc-sections",
                                    "-o",
                                    program};
  words.insert(words.end(), sources.begin(), sources.end());
  words.push_back("-lm");
  const Result<ProgramResult> result = run_program(words);
  if (!result && result.error().code == Code::NotFound) {
    return make_error(Code::NotFound, "{} is not installed: apt-get install {}", compiler.command,
                      compiler.package);
  }
  if (!result) return result.error();
  if (result->status == 0) return {};
  return make_error(Code::Io, "{} ended with {}:\n{}", compiler.command, result->status,
                    result->output.substr(0, 2000));
}

}  // namespace

std::optional<Target> target_from_name(std::string_view name) {
  if (name == "host") return Target::Host;
  if (name == "aarch64") return Target::Aarch64;
  return std::nullopt;
}

Result<int64_t> build_program(const CSource& source, std::string_view name, Target target,
                              const std::string& output) {
  return build_program(source, name, c_program(name), target, output);
}

Result<int64_t> build_program(const CSource& source, std::string_view name, std::string_view main,
                              Target target, const std::string& output) {
  // Beside the program, so that it appears there by a rename; the folder goes with its object.
  VERGE_TRY(const AtomicFolder folder, AtomicFolder::create(output + ".build"));
  std::error_code error;
  const fs::path place = fs::absolute(folder.path(), error);  // no name that is an option
  if (error) return make_error(Code::Io, "{}: {}", output, error.message());
  const fs::path network = place / fmt::format("{}.c", name);
  const fs::path caller = place / fmt::format("{}_main.c", name);
  VERGE_RETURN_IF_ERROR(write_whole_file(place / fmt::format("{}.h", name), source.header));
  VERGE_RETURN_IF_ERROR(write_whole_file(network, source.source));
  VERGE_RETURN_IF_ERROR(write_whole_file(caller, main));
  const fs::path program = place / "program";
  VERGE_RETURN_IF_ERROR(compile(kCompilers[static_cast<size_t>(target)],
                                {network.string(), caller.string()}, program.string()));
  const auto bytes = static_cast<int64_t>(fs::file_size(program, error));
  if (!error) fs::rename(program, output, error);
  if (error) return make_error(Code::Io, "{}: cannot be written: {}", output, error.message());
  return bytes;
}

}  // namespace verge::emit
