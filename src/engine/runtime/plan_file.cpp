#include <algorithm>

#include <verge/core/archive.hpp>
#include <verge/engine/graph/binary_form.hpp>
#include <verge/engine/graph/memory_check.hpp>
#include <verge/engine/runtime/checked_file.hpp>
#include <verge/engine/runtime/plan_file.hpp>

namespace verge::runtime {
namespace {

constexpr std::string_view kPlanMagic = "VERGEPLN";
constexpr uint32_t kPlanVersion = 4;

// A program as it stands in the file: names instead of pointers.
struct StoredProgram {
  std::string name, isa;
  int32_t threads = 0;
  uint8_t packing = 0;
  std::vector<std::byte> graph;
  struct Step {
    int32_t node = 0;
    std::string kernel;  // empty: the reference
    uint32_t packed = 0;
    std::string choice;  // empty: the kernel has one way
  };
  std::vector<Step> steps;
  graph::MemoryPlan memory;
};

template <typename Archive>
void archive(Archive& a, graph::MemoryPlan& memory) {
  a.list(memory.buffers, 32, [&](graph::Buffer& buffer) {
    a.text(buffer.name);
    a.number(buffer.bytes);
    a.number(buffer.first);
    a.number(buffer.last);
    a.number(buffer.offset);
  });
  for (auto* table : {&memory.buffer_of_value, &memory.workspace_of_node}) {
    a.list(*table, sizeof(int32_t), [&](int32_t& index) { a.number(index); });
  }
  a.number(memory.arena_bytes);
  a.number(memory.lower_bound_bytes);
  a.number(memory.peak_node);
}

template <typename Archive>
void archive(Archive& a, StoredProgram& program) {
  a.text(program.name);
  a.text(program.isa);
  a.number(program.threads);
  a.number(program.packing);
  if constexpr (Archive::kReads) {
    program.graph.resize(a.count(1));
  } else {
    uint64_t size = program.graph.size();
    a.number(size);
  }
  a.raw(program.graph);
  a.list(program.steps, 24, [&](StoredProgram::Step& step) {
    a.number(step.node);
    a.text(step.kernel);
    a.number(step.packed);
    a.text(step.choice);
  });
  archive(a, program.memory);
}

template <typename Archive>
void archive(Archive& a, std::string& model, std::string& settings,
             std::vector<StoredProgram>& programs) {
  a.text(model);
  a.text(settings);
  a.list(programs, 64, [&](StoredProgram& program) { archive(a, program); });
}

StoredProgram stored(const std::string& name, const Program& program) {
  StoredProgram out{name,
                    std::string(kernels::name(program.isa)),
                    program.threads,
                    static_cast<uint8_t>(program.packing),
                    graph::write_binary(program.graph),
                    {},
                    program.memory};
  for (const ProgramStep& step : program.steps) {
    const bool is_reference = step.kernel == nullptr;
    out.steps.push_back({step.node, is_reference ? "" : std::string(step.kernel->op), step.packed,
                         std::string(step.choice)});
  }
  return out;
}

// The steps must be those that this build would choose, or kernels would be given what they cannot
// run; only weights may lie as they are where a kernel reads them so too.
Status check_steps(const StoredProgram& from, const Program& program) {
  const auto is_same = [&](const StoredProgram::Step& a, const ProgramStep& b) {
    const std::string_view kernel = b.kernel == nullptr ? std::string_view() : b.kernel->op;
    if (a.node != b.node || a.kernel != kernel) return false;
    return a.packed == b.packed || (a.packed == 0 && can_unpack(program.graph, b));
  };
  for (const StoredProgram::Step& step : from.steps) {
    if (step.kernel.empty() || kernels::find_kernel(step.kernel) != nullptr) continue;
    return make_error(Code::Unsupported, "no kernel {} in this build; compile the plan anew",
                      step.kernel);
  }
  if (std::ranges::equal(from.steps, program.steps, is_same)) return {};
  return make_error(Code::Conflict,
                    "this build would choose other kernels for {}; compile the plan anew",
                    from.name);
}

Status check_workspaces(const Program& program) {
  const std::vector<int64_t> needed =
      workspace_bytes(program.graph, program.steps, program.threads, program.isa);
  for (size_t n = 0; n < needed.size(); ++n) {
    const int32_t index = program.memory.workspace_of_node[n];
    const int64_t given = index < 0 ? 0 : program.memory.buffers[static_cast<size_t>(index)].bytes;
    if (given >= needed[n]) continue;
    return make_error(Code::Conflict,
                      "{} needs {} bytes of workspace, has {}; compile the plan anew",
                      program.graph.nodes[n].op->name, needed[n], given);
  }
  return {};
}

Status check_memory(const Program& program) {
  VERGE_RETURN_IF_ERROR(graph::check_memory_plan(program.graph, program.memory));
  const auto nodes = static_cast<int64_t>(program.graph.nodes.size());
  if (program.memory.peak_node < 0 || program.memory.peak_node >= std::max<int64_t>(1, nodes)) {
    return make_error(Code::Malformed, "the peak is at node {} of {}", program.memory.peak_node,
                      nodes);
  }
  return check_workspaces(program);
}

Result<Program> checked_program(StoredProgram from, kernels::Isa isa) {
  VERGE_TRY(graph::Graph graph, graph::read_binary(from.graph));
  Program program{std::move(graph), {}, std::move(from.memory), isa, from.threads};
  program.packing = from.packing == 0 ? Packing::Wanted : Packing::Least;
  program.steps = choose_kernels(program.graph, nullptr, program.packing);
  VERGE_RETURN_IF_ERROR(check_steps(from, program));
  for (size_t i = 0; i < program.steps.size(); ++i) {
    program.steps[i].packed = from.steps[i].packed;
    VERGE_RETURN_IF_ERROR(set_choice(program.graph, from.steps[i].choice, program.steps[i]));
  }
  VERGE_RETURN_IF_ERROR(check_memory(program));
  return program;
}

Result<Program> restored(StoredProgram from) {
  constexpr int32_t kMostThreads = 4096;
  const auto isa = kernels::isa_from_name(from.isa);
  if (!isa || *isa > kernels::best_isa()) {
    return make_error(Code::Conflict, "it is for {}, this machine has {}; compile it here",
                      from.isa, kernels::name(kernels::best_isa()));
  }
  if (from.threads < 1 || from.threads > kMostThreads) {
    return make_error(Code::Malformed, "{} threads", from.threads);
  }
  if (from.packing > static_cast<uint8_t>(Packing::Least)) {
    return make_error(Code::Malformed, "a packing of kind {}", from.packing);
  }
  try {
    return checked_program(std::move(from), *isa);
  } catch (const std::bad_variant_access&) {  // kernels take attributes to be what builders give
    return make_error(Code::Malformed, "an attribute is of another kind than its operator's");
  } catch (const InternalError& error) {
    return make_error(Code::Malformed, "{}", error.what());
  }
}

}  // namespace

const Program* PlanFile::find(std::string_view name) const {
  const auto at = std::ranges::find(programs, name, &std::pair<std::string, Program>::first);
  return at == programs.end() ? nullptr : &at->second;
}

std::vector<std::byte> plan_content(const PlanFile& plan) {
  ArchiveWriter writer;
  uint32_t version = kPlanVersion;
  writer.number(version);
  std::string model = plan.model, settings = plan.settings;
  std::vector<StoredProgram> programs;
  for (const auto& [name, program] : plan.programs) programs.push_back(stored(name, program));
  archive(writer, model, settings, programs);
  return {writer.bytes().begin(), writer.bytes().end()};
}

Result<PlanFile> parse_plan(std::span<const std::byte> content) {
  ArchiveReader reader(content);
  uint32_t version = 0;
  reader.number(version);
  if (reader.good() && version != kPlanVersion) {
    return make_error(Code::Unsupported,
                      "version {} of the format, this build reads {}; compile anew", version,
                      kPlanVersion);
  }
  PlanFile plan;
  std::vector<StoredProgram> programs;
  archive(reader, plan.model, plan.settings, programs);
  if (!reader.done()) return make_error(Code::Malformed, "cut off, or followed by more");
  for (StoredProgram& from : programs) {
    std::string name = from.name;
    VERGE_TRY(Program program, restored(std::move(from)));
    plan.programs.emplace_back(std::move(name), std::move(program));
  }
  return plan;
}

Status write_plan_file(const std::string& path, const PlanFile& plan) {
  VERGE_TRY(AtomicFile file, AtomicFile::create(path));
  CheckedWriter writer(std::move(file), kPlanMagic);
  writer.bytes(plan_content(plan));
  return writer.finish();
}

Result<PlanFile> read_plan_file(const std::string& path) {
  VERGE_TRY(const MappedFile file, MappedFile::open(path));
  VERGE_TRY(const auto content, checked_content(file, kPlanMagic));
  Result<PlanFile> plan = parse_plan(content);
  if (plan) return plan;
  return make_error(plan.error().code, "{}: {}", path, plan.error().message);
}

}  // namespace verge::runtime
