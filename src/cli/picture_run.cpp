#include <filesystem>
#include <ostream>
#include <set>

#include <verge/cli/interrupt.hpp>
#include <verge/cli/partition_report.hpp>
#include <verge/cli/picture_report.hpp>
#include <verge/cli/picture_run.hpp>
#include <verge/cli/progress.hpp>
#include <verge/cli/reference_warning.hpp>
#include <verge/core/clock.hpp>
#include <verge/engine/format/image/writer.hpp>
#include <verge/stages/serve/vision/draw.hpp>
#include <verge/stages/serve/vision/picture_list.hpp>

namespace verge::cli {
namespace {

namespace fs = std::filesystem;

// Names for the pictures that are written: those of the ones read, told apart by numbers.
class DrawnNames {
 public:
  explicit DrawnNames(std::string folder) : folder_(std::move(folder)) {}

  std::string name_for(const std::string& path) {
    const fs::path file = fs::path(path).filename();
    const bool is_known = format::image_format_of_name(path).has_value();
    const std::string ending = is_known ? file.extension().string() : ".png";
    const std::string stem = file.stem().string();
    std::string name = stem + ending;
    for (int i = 2; !taken_.insert(name).second; ++i)
      name = fmt::format("{}-{}{}", stem, i, ending);
    return (fs::path(folder_) / name).string();
  }

 private:
  std::string folder_;
  std::set<std::string> taken_;
};

Status make_folder_for(const std::string& folder) {
  std::error_code error;
  if (!folder.empty()) fs::create_directories(folder, error);
  if (!error) return {};
  return make_error(Code::Io, "--output-dir {}: {}", folder, error.message());
}

// A folder that holds a picture to be read is none to write to: names are the same.
Status keep_inputs(const std::string& folder, const std::vector<std::string>& files) {
  if (folder.empty()) return {};
  for (const std::string& file : files) {
    std::error_code error;
    const bool is_same = fs::equivalent(fs::absolute(file, error).parent_path(), folder, error);
    if (error || !is_same) continue;
    return make_error(Code::InvalidArgument,
                      "--output-dir {}: {} is read from there and may be overwritten; give another "
                      "folder",
                      folder, file);
  }
  return {};
}

class PictureReport {
 public:
  PictureReport(const serve::VisionRecipe& recipe, std::string folder, size_t count,
                Context& context)
      : recipe_(recipe),
        folder_(std::move(folder)),
        names_(folder_),
        count_(count),
        context_(context),
        progress_(context, clock_),
        begin_s_(clock_.seconds()) {}

  Status take(const serve::PictureAnswer& answer, const format::Image& picture) {
    std::string drawn;
    if (!answer.error && !folder_.empty()) {
      drawn = names_.name_for(answer.path);
      VERGE_RETURN_IF_ERROR(
          format::write_image(drawn, serve::annotated(picture, answer, recipe_.labels)));
    }
    progress_.clear();
    if (context_.json) {
      print_json_line(picture_json(answer, recipe_, drawn), context_.out);
    } else if (answer.error) {
      context_.err << answer.error->message << "\n";
    } else {
      print_picture(answer, recipe_, drawn, context_.out);
    }
    ++done_;
    if (count_ > 1) {
      progress_.show(progress_bar(static_cast<double>(done_), static_cast<double>(count_),
                                  clock_.seconds() - begin_s_, 1, "pictures/s"));
    }
    return {};
  }

 private:
  const serve::VisionRecipe& recipe_;
  std::string folder_;
  DrawnNames names_;
  size_t count_;
  Context& context_;
  SystemClock clock_;
  Progress progress_;
  double begin_s_;
  size_t done_ = 0;
};

void say_assumptions(const serve::VisionRecipe& recipe, Context& context) {
  if (context.quiet || recipe.assumed.empty()) return;
  context.err << fmt::format("assumed: {}\n", fmt::join(recipe.assumed, ", "));
}

// `auto` of the configuration file is for networks that are run once.
Status apply_backend(const BackendOptions& backend, const std::string& model,
                     runtime::PlanOptions& plan, Context& context) {
  if (backend.backend != "auto") return backend.apply(plan, context);
  if (!backend.is_asked(context)) return {};
  return make_error(Code::InvalidArgument,
                    "--backend auto: pictures have many sizes, each of which would be timed; name "
                    "a backend, as `verge bench {} --backend auto` finds it",
                    model);
}

// Each way once: sizes are mostly shared out alike.
void say_partitions(const std::vector<graph::PartitionReport>& reports, Context& context) {
  std::set<std::string> said;
  for (const graph::PartitionReport& report : reports) {
    const std::string line = partition_summary(report);
    if (said.insert(line).second) context.err << line << "\n";
  }
}

}  // namespace

Status run_pictures(const PictureRunOptions& options, const NetworkRunOptions& network,
                    const ModelOptions& model, Context& context) {
  if (!network.inputs.empty()) {
    return make_error(Code::InvalidArgument, "give pictures or --input, not both");
  }
  VERGE_TRY(const serve::PictureOptions run_options, options.read());
  VERGE_TRY(const serve::PictureList list, serve::list_pictures(options.files));
  VERGE_RETURN_IF_ERROR(keep_inputs(network.output_dir, list.files));
  VERGE_TRY(const auto pool, model.threads.make_pool());
  VERGE_TRY(const model::LoadOptions load_options, model.load_options());
  runtime::PlanOptions plan{.isa = load_options.isa};
  VERGE_RETURN_IF_ERROR(apply_backend(network.backend, model.model, plan, context));
  VERGE_TRY(auto runner, serve::PictureRunner::open(model.model, run_options, *pool, plan));
  VERGE_RETURN_IF_ERROR(make_folder_for(network.output_dir));
  say_assumptions(runner.recipe(), context);
  serve::PictureCounts counts;
  {
    PictureReport report(runner.recipe(), network.output_dir, list.files.size(), context);
    const auto take = [&](const serve::PictureAnswer& answer, const format::Image& picture) {
      return report.take(answer, picture);
    };
    VERGE_TRY(counts, runner.run(list.files, take, &catch_interrupts()));
  }
  warn_of_reference(runner.reference_nodes(), context);
  if (!context.quiet) say_partitions(runner.partitions(), context);
  if (counts.failed == 0) return {};
  return make_error(Code::Malformed, "{} of {} pictures could not be read", counts.failed,
                    list.files.size());
}

}  // namespace verge::cli
