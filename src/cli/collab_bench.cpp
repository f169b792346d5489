#include <atomic>
#include <numeric>
#include <sstream>
#include <thread>

#include <verge/cli/collab_bench.hpp>
#include <verge/cli/interrupt.hpp>
#include <verge/cli/model_store.hpp>
#include <verge/core/file.hpp>
#include <verge/engine/quality/estimate.hpp>
#include <verge/platform/net/grpc/grpc_channel.hpp>
#include <verge/stages/serve/collab/greedy_check.hpp>
#include <verge/stages/serve/collab/node_times.hpp>

namespace verge::cli {
namespace {

using serve::CollabMode;

constexpr int64_t kMostPromptBytes = int64_t{16} << 20;
constexpr int64_t kRowsAtOnce = 64;  // of the whole model, when it looks at answers
constexpr double kCountersS = 10;
constexpr int64_t kTimedContext = 96;  // that layers are timed after, of an answer half written
constexpr auto kLook = std::chrono::milliseconds(20);

std::string with_line_ends(std::string text) {
  for (size_t at = 0; (at = text.find("\\n", at)) != std::string::npos; ++at) {
    text.replace(at, 2, "\n");
  }
  return text;
}

// Adds an answer's times between tokens.
class TokenTimes {
 public:
  void add(const CollabOutcome& outcome) {
    for (size_t i = 1; i < outcome.token_s.size(); ++i) {
      const double next_s = outcome.token_s[i] - outcome.token_s[i - 1];
      mean_.add(next_s);
      longest_s_ = std::max(longest_s_, next_s);
    }
  }
  double mean_s() const { return mean_.estimate().value; }
  double longest_s() const { return longest_s_; }

 private:
  quality::RunningMean mean_;
  double longest_s_ = 0;
};

}  // namespace

double CollabBenchRow::mean_s() const {
  return seconds.empty() ? 0
                         : std::accumulate(seconds.begin(), seconds.end(), 0.0) /
                               static_cast<double>(seconds.size());
}

double CollabBenchRow::quantile_s(double q) const {
  return seconds.empty() ? 0 : quality::quantile(seconds, q).value;
}

double CollabBenchRow::counted(const std::string& name) const {
  double sum = 0;
  for (const char* engine : {"collab.", "text."}) {
    if (const auto found = server.find(engine + name); found != server.end()) sum += found->second;
  }
  return sum;
}

Result<std::vector<std::string>> read_prompts(const std::string& path) {
  VERGE_TRY(const std::string text, read_whole_file(path, kMostPromptBytes));
  std::istringstream lines(text);
  std::vector<std::string> prompts;
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) prompts.push_back(with_line_ends(std::move(line)));
  }
  if (!prompts.empty()) return prompts;
  return make_error(Code::InvalidArgument, "{}: no prompt in it; write one on each line", path);
}

Result<std::unique_ptr<CollabBench>> CollabBench::create(const CollabBenchOptions& options,
                                                         std::vector<std::string> prompts,
                                                         int64_t most_clients, const Clock& clock) {
  auto bench = std::unique_ptr<CollabBench>(new CollabBench(options, std::move(prompts), clock));
  VERGE_TRY(fleet::NodeCounters counters, bench->counters());
  bench->server_slow_ = std::max(1.0, counters["collab.slow"]);
  for (int64_t i = 0; i < most_clients; ++i) {
    Device& device = bench->devices_.emplace_back();
    VERGE_TRY(device.pool, options.model.threads.make_pool());
    VERGE_TRY(device.model, load_device(options.device, options.model, *device.pool));
  }
  if (options.whole.empty()) return bench;
  VERGE_TRY(bench->whole_pool_, options.model.threads.make_pool());
  VERGE_TRY(model::LoadOptions load, options.model.load_options());
  load.max_sequences = load.max_outputs = kRowsAtOnce;
  VERGE_TRY(const std::string path, model_path(options.whole));
  VERGE_TRY(bench->whole_, model::LanguageModel::load(path, load, *bench->whole_pool_));
  return bench;
}

Result<fleet::NodeCounters> CollabBench::counters() const {
  VERGE_TRY(const net::Credentials own, options_.device.home.credentials());
  VERGE_TRY(const auto channel, net::dial(options_.device.cloud, own, unix_time_s(),
                                          {.service = fleet::kCountersService}));
  return fleet::receive_counters(*channel, kCountersS);
}

Result<CollabOutcome> CollabBench::answer(const Device& device, CollabMode mode,
                                          size_t index) const {
  const CollabPrompt words{.text = prompt(index),
                           .max_tokens = options_.tokens,
                           .ignore_end = true,
                           .sampling = {.temperature = 0},
                           .draft_tokens = options_.draft_tokens};
  std::ostringstream unheard;
  VERGE_TRY(const CollabModes modes,
            CollabModes::create(options_.device, words, device.model, clock_, unheard));
  VERGE_TRY(CollabOutcome outcome, modes.run(mode, [](auto, const auto&) { return true; }));
  if (!outcome.tokens.empty()) return outcome;
  return make_error(Code::InvalidArgument, "an answer has no token; the prompt fills the context");
}

// Each device takes the next prompt when it has answered one.
std::vector<CollabBench::Answer> CollabBench::answer_all(const CollabBenchCase& of,
                                                         const Progress& progress) const {
  const int64_t all =
      options_.answers > 0 ? options_.answers : static_cast<int64_t>(prompts_.size());
  std::vector<Answer> answers(static_cast<size_t>(all));
  std::atomic<size_t> next = 0;
  std::atomic<int64_t> done = 0;
  const std::atomic<bool>& interrupted = catch_interrupts();
  const auto work = [&](const Device& device) {
    for (size_t i = next++; i < answers.size() && !interrupted; i = next++) {
      answers[i].outcome = answer(device, of.mode, i);
      answers[i].end_s = clock_.seconds();
      ++done;
    }
  };
  std::vector<std::jthread> threads;
  std::atomic<int64_t> at_work = of.clients;
  for (int64_t i = 0; i < of.clients; ++i) {
    threads.emplace_back([&, &device = devices_[static_cast<size_t>(i)]] {
      work(device);
      --at_work;
    });
  }
  while (at_work > 0) {
    std::this_thread::sleep_for(kLook);
    progress(of, done, all);
  }
  return answers;
}

Result<CollabBenchRow> CollabBench::run(const CollabBenchCase& of, const Progress& progress) {
  VERGE_CHECK(of.clients <= std::ssize(devices_), of.clients);
  VERGE_TRY(const fleet::NodeCounters before, counters());
  const double begin_s = clock_.seconds();
  const std::vector<Answer> answers = answer_all(of, progress);
  CollabBenchRow row{.of = of};
  TokenTimes times;
  VERGE_TRY(row.server, counters());
  for (auto& [name, value] : row.server) {
    if (const auto then = before.find(name); then != before.end()) value -= then->second;
  }
  for (const Answer& answer : answers) {
    if (!answer.outcome) return make_error(Code::Cancelled, "stopped");
    row.wall_s = std::max(row.wall_s, answer.end_s - begin_s);
    if (!*answer.outcome) {
      if (row.failed++ == 0) row.failure = answer.outcome->error().message;
      continue;
    }
    ++row.answers;
    row.seconds.push_back((*answer.outcome)->seconds);
    row.metrics += (*answer.outcome)->metrics;
    times.add(**answer.outcome);
  }
  row.next_token_s = times.mean_s();
  row.longest_token_s = times.longest_s();
  if (row.answers == 0) return answers.front().outcome->error();
  VERGE_RETURN_IF_ERROR(judge(answers, row));
  if (whole_ != nullptr && of.mode == CollabMode::Collab) VERGE_RETURN_IF_ERROR(predict(row));
  return row;
}

Status CollabBench::predict(CollabBenchRow& row) const {
  const serve::SplitIdentity& split = devices_[0].model.split;
  VERGE_TRY(const serve::NodeCost cost,
            serve::measure_node(*whole_, ThreadClock(), {.context = kTimedContext}));
  VERGE_TRY(const auto link, options_.device.link.read());
  double prompt_tokens = 0;
  for (const std::string& text : prompts_) {
    prompt_tokens += static_cast<double>(whole_->tokenizer().encode(text, {}).size());
  }
  row.predicted =
      predict_run({.layers = whole_->config().layers,
                   .exit1 = split.exit1,
                   .exit2 = split.exit2,
                   .metrics = row.metrics,
                   .prompt_tokens = prompt_tokens / static_cast<double>(prompts_.size()),
                   .answers = row.answers,
                   .edge_slow = options_.device.speed.slow,
                   .server_slow = server_slow_},
                  cost, link);
  return {};
}

// Holds the answers against mode cloud's, and against what the whole model makes of them.
Status CollabBench::judge(const std::vector<Answer>& answers, CollabBenchRow& row) {
  const auto ids_of = [&](size_t i) {
    return *answers[i].outcome ? (*answers[i].outcome)->ids() : std::vector<int32_t>();
  };
  if (row.of.mode == CollabMode::Cloud) {
    cloud_ids_.clear();
    for (size_t i = 0; i < answers.size(); ++i) cloud_ids_.push_back(ids_of(i));
  }
  quality::RunningMean same, rouge;
  int64_t kept = 0;
  for (size_t i = 0; i < answers.size(); ++i) {
    const std::vector<int32_t> ids = ids_of(i);
    if (ids.empty()) continue;
    if (i < cloud_ids_.size() && !cloud_ids_[i].empty()) {
      same.add(serve::agreement(ids, cloud_ids_[i]));
      rouge.add(serve::rouge_l(ids, cloud_ids_[i]));
    }
    if (whole_ == nullptr) continue;
    VERGE_TRY(const int64_t matches,
              serve::greedy_matches(*whole_, whole_->tokenizer().encode(prompt(i), {}), ids));
    kept += matches;
  }
  if (same.estimate().count > 0) {
    row.same = same.estimate().value;
    row.rouge = rouge.estimate().value;
  }
  if (whole_ != nullptr) row.kept = static_cast<double>(kept) / row.tokens();
  return {};
}

}  // namespace verge::cli
