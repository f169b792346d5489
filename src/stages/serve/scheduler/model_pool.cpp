#include <algorithm>

#include <fmt/ranges.h>

#include <verge/core/machine.hpp>
#include <verge/stages/serve/scheduler/model_pool.hpp>

namespace verge::serve {
namespace {

// Of all the machine has, where nobody has said how much models may take: below this part of it,
// weights that do not fit are streamed, for what the process takes beside them needs room, too.
constexpr double kStreamedPart = 0.875;

Status load_into(LoadedModel& loaded, const ServedModel& served, const ModelFace& face) {
  VERGE_TRY(loaded.model, model::LanguageModel::load(served.path, face.load, *loaded.threads));
  loaded.drafts = served.drafts;
  if (served.drafts.kind != DraftSource::Kind::Model) return {};
  VERGE_TRY(loaded.draft, model::LanguageModel::load(served.drafts.path, draft_load(served.load),
                                                     *loaded.threads));
  return {};
}

}  // namespace

std::optional<std::vector<std::string>> make_room(std::vector<Resident> residents, int64_t budget,
                                                  int64_t bytes) {
  int64_t used = bytes;
  for (const Resident& resident : residents) used += resident.bytes;
  std::ranges::stable_sort(residents, {}, &Resident::used_s);
  std::vector<std::string> out;
  for (const Resident& resident : residents) {
    if (used <= budget) break;
    if (resident.is_busy) continue;
    out.push_back(resident.name);
    used -= resident.bytes;
  }
  return used <= budget ? std::optional(out) : std::nullopt;
}

ModelPool::ModelPool(std::vector<ServedModel> models, const Clock& clock, ModelPoolOptions options)
    : clock_(clock), options_(options) {
  ceiling_bytes_ = options_.memory_bytes;
  if (options_.memory_bytes == 0) {
    options_.memory_bytes = available_memory_bytes();
    ceiling_bytes_ =
        static_cast<int64_t>(kStreamedPart * static_cast<double>(options_.memory_bytes));
  }
  for (ServedModel& model : models) {
    names_.push_back(model.name);
    entries_[model.name].served = std::move(model);
  }
  loader_ = std::jthread([this](const std::stop_token& stop) { run_loader(stop); });
}

ModelPool::~ModelPool() {
  loader_.request_stop();
  loader_.join();
}

Result<std::shared_ptr<const ModelFace>> ModelPool::face(const std::string& name) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    return make_error(Code::NotFound, "model {} is not served here; there are {}", name,
                      fmt::join(names_, ", "));
  }
  Entry& entry = found->second;
  const std::lock_guard lock(entry.face_mutex);
  if (entry.refusal) return *entry.refusal;
  if (entry.face != nullptr) return entry.face;
  auto face = read_face(entry.served, options_.memory_bytes, ceiling_bytes_);
  if (face) {
    entry.face = *face;
    entry.need_bytes = entry.face->need.total();
  } else if (face.error().code == Code::OutOfMemory) {
    entry.refusal = face.error();
  }
  return face;
}

LoadState ModelPool::state(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return entries_.at(name).state;
}

void ModelPool::on_loaded(std::function<void()> call) {
  const std::lock_guard lock(call_mutex_);
  on_loaded_ = std::move(call);
}

void ModelPool::load(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.at(name);
  entry.state = LoadState::Loading;
  entry.error.reset();
  queue_.push_back(&entry);
  queued_.notify_one();
}

void ModelPool::unload(const std::string& name) {
  LoadedModel model;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.at(name);
  VERGE_CHECK(entry.state == LoadState::Ready, name);
  std::swap(model, entry.model);
  entry.state = LoadState::Unloaded;
  entry.idle_s.reset();
}

LoadedModel* ModelPool::loaded(const std::string& name) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.at(name);
  return entry.state == LoadState::Ready ? &entry.model : nullptr;
}

std::optional<Error> ModelPool::take_error(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return std::exchange(entries_.at(name).error, std::nullopt);
}

void ModelPool::touch(const std::string& name) {
  const std::lock_guard lock(mutex_);
  entries_.at(name).used_s = clock_.seconds();
}

void ModelPool::keep_for(const std::string& name, double seconds) {
  const std::lock_guard lock(mutex_);
  entries_.at(name).idle_s = seconds;
  if (seconds >= 0) puts_out_idle_ = true;
}

std::optional<double> ModelPool::kept_s(const Entry& entry) const {
  const double idle_s = entry.idle_s.value_or(options_.idle_s > 0 ? options_.idle_s : -1);
  if (idle_s < 0) return std::nullopt;
  return std::max(entry.used_s + idle_s - clock_.seconds(), 0.0);
}

std::optional<double> ModelPool::kept_s(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return kept_s(entries_.at(name));
}

int64_t ModelPool::need_bytes(const std::string& name) const {
  return entries_.at(name).need_bytes;
}

std::optional<std::vector<std::string>> ModelPool::room_for(
    const std::string& name, const std::function<bool(const std::string&)>& is_busy) const {
  const std::lock_guard lock(mutex_);
  std::vector<Resident> residents;
  for (const auto& [other, entry] : entries_) {
    if (other == name || (entry.state != LoadState::Ready && entry.state != LoadState::Loading)) {
      continue;
    }
    residents.push_back({other, entry.face->need.total(), entry.used_s,
                         entry.state == LoadState::Loading || is_busy(other)});
  }
  return make_room(std::move(residents), options_.memory_bytes,
                   entries_.at(name).face->need.total());
}

std::vector<std::string> ModelPool::idle(
    const std::function<bool(const std::string&)>& is_busy) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) {
    if (kept_s(entry) == 0.0 && entry.state == LoadState::Ready && !is_busy(name))
      names.push_back(name);
  }
  return names;
}

void ModelPool::run_loader(const std::stop_token& stop) {
  while (true) {
    Entry* entry = nullptr;
    {
      std::unique_lock lock(mutex_);
      if (!queued_.wait(lock, stop, [&] { return !queue_.empty(); })) return;
      if (stop.stop_requested()) return;
      entry = queue_.front();
      queue_.pop_front();
    }
    load_now(*entry);
  }
}

void ModelPool::load_now(Entry& entry) {
  LoadedModel loaded{std::make_unique<ThreadPool>(options_.threads), nullptr};
  Status status;
  try {
    status = load_into(loaded, entry.served, *entry.face);
  } catch (const std::exception& error) {
    status = make_error(Code::Internal, "model {}: {}", entry.served.name, error.what());
  }
  {
    const std::lock_guard lock(mutex_);
    entry.state = status ? LoadState::Ready : LoadState::Failed;
    if (status) entry.model = std::move(loaded);
    if (!status) entry.error = status.error();
    entry.used_s = clock_.seconds();
  }
  const std::lock_guard lock(call_mutex_);  // whoever takes the call back can be gone after that
  if (on_loaded_) on_loaded_();
}

}  // namespace verge::serve
