#include <algorithm>

#include <verge/engine/runtime/reference_nodes.hpp>
#include <verge/stages/serve/scheduler/lanes.hpp>

namespace verge::serve {
namespace {

template <typename Call>
Status contained(Call call) {
  try {
    return call();
  } catch (const std::exception& error) {
    return make_error(Code::Internal, "the prompt cache failed: {}", error.what());
  }
}

}  // namespace

Lanes::Lanes(ModelPool& models, const Clock& clock, LaneOptions options,
             const EndObserver& observer)
    : models_(models),
      clock_(clock),
      options_(std::move(options)),
      observer_(observer),
      spills_(options_.spill_memory_bytes, options_.spill_folder) {
  for (const std::string& name : models_.names()) lanes_[name];
}

Lanes::~Lanes() {
  for (auto& [name, lane] : lanes_) keep_prompts(lane);
}

// A prompt cache that cannot be written or read costs nothing but its use.
void Lanes::keep_prompts(const Lane& lane) const {
  if (lane.runner == nullptr || options_.prompt_cache_folder.empty()) return;
  const Status status = contained([&] {
    return lane.runner->keep_prompts(options_.prompt_cache_folder, options_.prompt_cache_bytes);
  });
  if (!status && options_.warn) options_.warn(status.error());
}

void Lanes::fetch_prompts(Lane& lane) const {
  if (options_.prompt_cache_folder.empty()) return;
  const Status status =
      contained([&] { return lane.runner->fetch_prompts(options_.prompt_cache_folder); });
  if (status || status.error().code == Code::NotFound) return;
  if (options_.warn) options_.warn(status.error());
}

void Lanes::add(std::unique_ptr<Task> task) {
  const std::string& name = task->request.model;
  Lane& lane = lanes_.at(name);
  accounts_.fair.arrive(task->request.tenant);
  accounts_.tenants[task->request.tenant];
  if (lane.tasks.empty()) turns_.arrive(name);
  lane.tasks.push_back(std::move(task));
}

void Lanes::finish_task(Task& task, const Status& status) {
  if (task.has_ended) return;
  if (task.phase == Phase::Waiting) accounts_.fair.leave(task.request.tenant);
  finish(task, status, clock_.seconds(), observer_);
}

void Lanes::finish_lane(Lane& lane, const Status& status) {
  for (const auto& task : lane.tasks) finish_task(*task, status);
}

// Forgets those that have ended.
void Lanes::sweep(const std::string& name, Lane& lane) {
  const size_t ended = std::erase_if(lane.tasks, [](const auto& task) { return task->has_ended; });
  if (ended == 0 || !lane.tasks.empty()) return;
  turns_.leave(name);
  models_.touch(name);
}

void Lanes::end(RequestId id, const Status& status) {
  for (auto& [name, lane] : lanes_) {
    for (const auto& task : lane.tasks) {
      if (task->id != id) continue;
      // What was held back of the text belongs to the answer.
      (void)deliver(*task, task->answer.end(StopReason::Cancelled), clock_.seconds());
      finish_task(*task, status);
      sweep(name, lane);
      return;
    }
  }
}

void Lanes::end_all(const Status& status) {
  for (auto& [name, lane] : lanes_) {
    finish_lane(lane, status);
    sweep(name, lane);
  }
}

void Lanes::end_overdue() {
  const double now_s = clock_.seconds();
  for (auto& [name, lane] : lanes_) {
    for (const auto& task : lane.tasks) {
      const double deadline_s = task->request.deadline_s;
      if (deadline_s == 0 || now_s - task->submitted_s < deadline_s) continue;
      finish_task(*task,
                  make_error(Code::Cancelled, "the deadline of {} s has passed after {} tokens",
                             deadline_s, task->usage.answer_tokens));
    }
    sweep(name, lane);
  }
}

bool Lanes::is_empty() const {
  return std::ranges::all_of(lanes_, [](const auto& lane) { return lane.second.tasks.empty(); });
}

// One that is to leave is done when nothing of it runs; others also have those that wait.
bool Lanes::is_busy(const std::string& name) const {
  const Lane& lane = lanes_.at(name);
  return std::ranges::any_of(
      lane.tasks, [&](const auto& task) { return !lane.leaves || task->phase != Phase::Waiting; });
}

void Lanes::put_out(const std::string& name) {
  Lane& lane = lanes_.at(name);
  keep_prompts(lane);
  lane.runner.reset();
  lane.leaves = false;
  models_.unload(name);
}

// A bug that no request can be blamed for ends those of its model, which is loaded anew.
void Lanes::give_up(const std::string& name, Lane& lane, const std::exception& error) {
  finish_lane(lane, make_error(Code::Internal, "{}: {}", name, error.what()));
  lane.runner.reset();
  lane.leaves = false;
  models_.unload(name);
}

Status Lanes::unload(const std::string& name) {
  const auto found = lanes_.find(name);
  if (found == lanes_.end()) return make_error(Code::NotFound, "model {} is not served", name);
  const LoadState state = models_.state(name);
  if (!found->second.tasks.empty() || state == LoadState::Loading) {
    return make_error(Code::Conflict, "model {} is in use; ask again when its requests have ended",
                      name);
  }
  if (state == LoadState::Ready) put_out(name);
  return {};
}

Result<std::unique_ptr<TaskRunner>> Lanes::make_runner(const std::string& name) {
  LoadedModel& loaded = *models_.loaded(name);
  VERGE_TRY(const auto face, models_.face(name));
  if (face->runner) return face->runner->make(loaded, clock_, options_.warn);
  VERGE_RETURN_IF_ERROR(Batch::check(loaded.model->decoder(), *face));
  VERGE_TRY(auto make, proposers(loaded.drafts, *loaded.model, loaded.draft.get()));
  BatchOptions batch = options_.batch;
  batch.drafts.policy.max_draft = loaded.drafts.most_tokens;
  return std::unique_ptr<TaskRunner>(std::make_unique<Batch>(*loaded.model, *loaded.threads, clock_,
                                                             batch, spills_, std::move(make)));
}

void Lanes::open(const std::string& name, Lane& lane) try {
  auto runner = make_runner(name);
  if (!runner) {
    finish_lane(lane, runner.error());
    sweep(name, lane);
    models_.unload(name);
    return;
  }
  LoadedModel& loaded = *models_.loaded(name);
  const std::string slow =
      runtime::reference_warning(runtime::reference_nodes(loaded.model->decoder()));
  if (!slow.empty() && options_.warn) {
    options_.warn(make_error(Code::Unsupported, "{}: {}", name, slow));
  }
  lane.runner = std::move(*runner);
  fetch_prompts(lane);
  lane.wants_since_s = -1;
} catch (const std::exception& error) {
  give_up(name, lane, error);
  sweep(name, lane);
}

// Whoever uses the room for which `name` has waited finishes what it has begun, and goes.
void Lanes::make_others_leave(const std::string& name) {
  const auto leaving = models_.room_for(name, [](const std::string&) { return false; });
  if (!leaving) return;
  for (const std::string& other : *leaving) lanes_.at(other).leaves = true;
}

void Lanes::ask_for_room(const std::string& name, Lane& lane) {
  if (lane.wants_since_s < 0) lane.wants_since_s = clock_.seconds();
  const auto victims =
      models_.room_for(name, [&](const std::string& other) { return is_busy(other); });
  if (victims) {
    for (const std::string& victim : *victims) put_out(victim);
    models_.load(name);
  } else if (clock_.seconds() - lane.wants_since_s >= options_.model_turn_s) {
    make_others_leave(name);
  }
}

// Nobody leaves for requests that are no more, or that have their room.
void Lanes::let_stay(std::span<const std::pair<RequestId, std::string>> wanting) {
  for (auto& [name, lane] : lanes_) {
    if (lane.tasks.empty()) lane.wants_since_s = -1;
  }
  const bool is_due = std::ranges::any_of(wanting, [&](const auto& wish) {
    const double since_s = lanes_.at(wish.second).wants_since_s;
    return since_s >= 0 && clock_.seconds() - since_s >= options_.model_turn_s;
  });
  if (is_due) return;
  for (auto& [name, lane] : lanes_) lane.leaves = false;
}

void Lanes::manage_models() {
  std::vector<std::pair<RequestId, std::string>> wanting;  // in order of their oldest request
  for (auto& [name, lane] : lanes_) {
    if (const auto error = models_.take_error(name)) {
      finish_lane(lane, *error);
      sweep(name, lane);
    }
    const LoadState state = models_.state(name);
    if (state == LoadState::Ready && lane.runner == nullptr) open(name, lane);
    const bool is_absent = state == LoadState::Unloaded || state == LoadState::Failed;
    if (is_absent && !lane.tasks.empty()) wanting.emplace_back(lane.tasks.front()->id, name);
  }
  std::ranges::sort(wanting);
  let_stay(wanting);
  for (const auto& [id, name] : wanting) ask_for_room(name, lanes_.at(name));
  for (const std::string& name :
       models_.idle([&](const std::string& other) { return is_busy(other); })) {
    put_out(name);
  }
}

bool Lanes::step_of(const std::string& name, Lane& lane, Cancellations& cancellations) {
  try {
    return lane.runner->step(lane.tasks, {accounts_, observer_, cancellations, !lane.leaves});
  } catch (const std::exception& error) {
    give_up(name, lane, error);
    return true;
  }
}

bool Lanes::step(Cancellations& cancellations) {
  std::vector<std::pair<double, std::string>> turns;
  for (const auto& [name, lane] : lanes_) {
    if (lane.runner && !lane.tasks.empty()) turns.emplace_back(turns_.served(name), name);
  }
  std::ranges::sort(turns);
  for (const auto& [served, name] : turns) {
    Lane& lane = lanes_.at(name);
    const double begin_s = clock_.seconds();
    const auto requests = static_cast<double>(lane.tasks.size());
    const bool worked = step_of(name, lane, cancellations);
    turns_.charge(name, (clock_.seconds() - begin_s) / requests);
    models_.touch(name);
    sweep(name, lane);
    if (worked) return true;
  }
  return false;
}

std::map<std::string, int64_t> Lanes::waiting() const {
  std::map<std::string, int64_t> waiting;
  for (const auto& [name, lane] : lanes_) {
    for (const auto& task : lane.tasks) waiting[task->request.tenant] += task->begun_s < 0;
  }
  return waiting;
}

void Lanes::describe(Snapshot& snapshot) const {
  snapshot.tenants = accounts_.tenants;
  for (const std::string& name : models_.names()) {
    const Lane& lane = lanes_.at(name);
    ModelSnapshot model;
    if (lane.runner) lane.runner->describe(model);
    model.name = name;
    model.state = models_.state(name);
    model.need_bytes = models_.need_bytes(name);
    for (const auto& task : lane.tasks) {
      TenantSnapshot& tenant = snapshot.tenants[task->request.tenant];
      const bool runs = task->phase == Phase::Running;
      model.running += runs;
      model.waiting += task->phase == Phase::Waiting;
      model.preempted += task->phase == Phase::Preempted;
      model.spilled_bytes += task->spill ? task->spill->bytes() : 0;
      tenant.running += runs;
      tenant.waiting += !runs;
    }
    snapshot.models.push_back(std::move(model));
  }
}

}  // namespace verge::serve
