#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <mutex>

#include <verge/stages/serve/scheduler/cancellations.hpp>
#include <verge/stages/serve/scheduler/lanes.hpp>
#include <verge/stages/serve/scheduler/scheduler.hpp>

namespace verge::serve {
namespace {

constexpr size_t kRateSamples = 64;
constexpr auto kPollInterval = std::chrono::milliseconds(50);  // of deadlines and idle models

struct Unload {
  std::string model;
  std::function<void(const Status&)> then;
};

LaneOptions lane_options(const SchedulerOptions& options) {
  return {.batch = {.step_tokens = options.step_tokens,
                    .reserve_pages = options.reserve_pages,
                    .ageing_s = options.ageing_s,
                    .share_prefixes = options.share_prefixes,
                    .drafts = {.always = options.always_draft},
                    .verify = options.verify},
          .model_turn_s = options.model_turn_s,
          .spill_memory_bytes = options.spill_memory_bytes,
          .spill_folder = options.spill_folder,
          .prompt_cache_folder = options.prompt_cache_folder,
          .prompt_cache_bytes = options.prompt_cache_bytes,
          .warn = options.warn};
}

}  // namespace

struct Scheduler::Impl {
  Impl(ModelPool& pool, const Clock& c, SchedulerOptions o, EndObserver on_end)
      : models(pool),
        clock(c),
        options(std::move(o)),
        observer(std::move(on_end)),
        observe([this](const Request& request, const End& end) { count_end(request, end); }),
        lanes(pool, c, lane_options(options), observe) {
    models.on_loaded([this] { wake(); });
    publish();
  }
  ~Impl() { models.on_loaded({}); }

  void wake() {
    {
      const std::lock_guard lock(mutex);
      woken = true;
    }
    changed.notify_all();
  }

  // With the lock: whether the queue takes one more of the tenant's.
  Status check_queue(const std::string& tenant) const {
    const int64_t per_tenant =
        options.max_waiting_per_tenant > 0 ? options.max_waiting_per_tenant : options.max_waiting;
    const auto own = waiting.find(tenant);
    if (own != waiting.end() && own->second >= per_tenant) {
      return make_error(Code::Busy,
                        "{} of your requests wait, the most allowed; try again in {:.0f} s",
                        own->second, retry_after_s());
    }
    if (total_waiting >= options.max_waiting) {
      return make_error(Code::Busy, "{} requests wait, the most allowed; try again in {:.0f} s",
                        total_waiting, retry_after_s());
    }
    return {};
  }

  // With the lock: until half of those who wait now have had their turn, at the pace of late.
  double retry_after_s() const {
    if (ended_s.size() < 2) return 1;
    const double pace =
        static_cast<double>(ended_s.size() - 1) / std::max(clock.seconds() - ended_s.front(), 1e-3);
    return std::clamp(std::ceil(static_cast<double>(total_waiting) / (2 * pace)), 1.0, 600.0);
  }

  void count_end(const Request& request, const End& end) {
    {
      const std::lock_guard lock(mutex);
      ++(end.status ? shown.finished : shown.failed);
      ended_s.push_back(clock.seconds());
      if (ended_s.size() > kRateSamples) ended_s.pop_front();
    }
    if (observer) observer(request, end);
  }

  void take_inbox() {
    // First: so that a request that is given up is among those that have arrived.
    const std::vector<RequestId> given_up = cancellations.take();
    std::vector<std::unique_ptr<Task>> arrived;
    std::vector<Unload> unloads;
    {
      const std::lock_guard lock(mutex);
      arrived.swap(inbox);
      unloads.swap(to_unload);
      woken = false;
    }
    for (auto& task : arrived) lanes.add(std::move(task));
    for (const RequestId id : given_up) lanes.end(id, {});
    lanes.end_overdue();
    for (const Unload& unload : unloads) unload.then(lanes.unload(unload.model));
  }

  // What other threads see.
  void publish() {
    Snapshot now;
    lanes.describe(now);
    auto counts = lanes.waiting();
    const std::lock_guard lock(mutex);
    for (const auto& task : inbox) ++counts[task->request.tenant];
    total_waiting = 0;
    for (const auto& [tenant, count] : counts) total_waiting += count;
    waiting = std::move(counts);
    shown.models = std::move(now.models);
    shown.tenants = std::move(now.tenants);
  }

  ModelPool& models;
  const Clock& clock;
  const SchedulerOptions options;
  const EndObserver observer;
  const EndObserver observe;
  Lanes lanes;
  Cancellations cancellations;

  mutable std::mutex
      mutex;  // of what follows; never held during a run of a model or a call of a sink
  std::condition_variable_any changed;
  bool woken = false;
  std::vector<std::unique_ptr<Task>> inbox;
  std::vector<Unload> to_unload;
  RequestId last_id = 0;
  std::map<std::string, int64_t> waiting;  // by tenant, the inbox included
  int64_t total_waiting = 0;
  std::deque<double> ended_s;
  Snapshot shown;
};

Scheduler::Scheduler(ModelPool& models, const Clock& clock, SchedulerOptions options,
                     EndObserver observer)
    : impl_(std::make_unique<Impl>(models, clock, std::move(options), std::move(observer))) {}

Scheduler::~Scheduler() {
  impl_->take_inbox();
  impl_->lanes.end_all(make_error(Code::Cancelled, "the server stops"));
}

Result<RequestId> Scheduler::submit(Request request, std::shared_ptr<AnswerSink> sink) {
  Impl& impl = *impl_;
  const auto refuse = [&](const Error& error) -> Result<RequestId> {
    const std::lock_guard lock(impl.mutex);
    ++impl.shown.refused;
    return error;
  };
  auto face = impl.models.face(request.model);
  if (!face) return refuse(face.error());
  auto task = make_task(std::move(request), std::move(sink), std::move(*face));
  if (!task) return refuse(task.error());
  RequestId id = 0;
  {
    const std::lock_guard lock(impl.mutex);
    const std::string& tenant = (*task)->request.tenant;
    if (const Status status = impl.check_queue(tenant); !status) {
      ++impl.shown.refused;
      return status.error();
    }
    id = (*task)->id = ++impl.last_id;
    (*task)->submitted_s = impl.clock.seconds();
    ++impl.waiting[tenant];
    ++impl.total_waiting;
    ++impl.shown.submitted;
    impl.inbox.push_back(std::move(*task));
  }
  impl.wake();
  return id;
}

void Scheduler::cancel(RequestId id) {
  impl_->cancellations.request(id);
  impl_->wake();
}

void Scheduler::unload(const std::string& model, std::function<void(const Status&)> then) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->to_unload.push_back({model, std::move(then)});
  }
  impl_->wake();
}

void Scheduler::keep_for(const std::string& model, double seconds) {
  impl_->models.keep_for(model, seconds);
  impl_->wake();
}

double Scheduler::retry_after_s() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->retry_after_s();
}

Snapshot Scheduler::snapshot() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->shown;
}

bool Scheduler::step() {
  impl_->take_inbox();
  impl_->lanes.manage_models();
  const bool worked = impl_->lanes.step(impl_->cancellations);
  impl_->publish();
  return worked;
}

void Scheduler::run(std::stop_token stop) {
  Impl& impl = *impl_;
  while (!stop.stop_requested()) {
    if (step()) continue;
    std::unique_lock lock(impl.mutex);
    const auto is_woken = [&] { return impl.woken; };
    if (impl.lanes.is_empty() && !impl.models.puts_out_idle()) {
      impl.changed.wait(lock, stop, is_woken);
    } else {
      impl.changed.wait_for(lock, stop, kPollInterval, is_woken);
    }
  }
  impl.take_inbox();
  impl.lanes.end_all(make_error(Code::Cancelled, "the server stops"));
  impl.publish();
}

}  // namespace verge::serve
