#pragma once
// Lanes: the requests of each model, loaded or not, and which model runs next. It has models loaded
// for those who wait, and put out again; shares the engine's time by the requests that each has.

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>

#include <verge/stages/serve/scheduler/batch.hpp>
#include <verge/stages/serve/scheduler/model_pool.hpp>

namespace verge::serve {

struct LaneOptions {
  BatchOptions batch = {};
  double model_turn_s = 10;  // a model that waits for room so long has others finish and leave
  int64_t spill_memory_bytes = 0;
  std::string spill_folder = {};
  std::string prompt_cache_folder = {};
  int64_t prompt_cache_bytes = 0;
  std::function<void(const Error&)> warn = {};
};

/// The engine's thread.
class Lanes {
 public:
  Lanes(ModelPool& models, const Clock& clock, LaneOptions options, const EndObserver& observer);
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  void add(std::unique_ptr<Task> task);
  /// Ends one from outside: with an error, or as cancelled. An unknown id is ignored.
  void end(RequestId id, const Status& status);
  void end_all(const Status& status);
  void end_overdue();
  /// Loads for those who wait, puts out who is idle or in the way, passes on what went wrong.
  void manage_models();
  /// Puts a model out of memory. NotFound, or Conflict while it has requests or is being loaded.
  Status unload(const std::string& name);
  /// One step of the model whose turn it is; false when there was none.
  bool step(Cancellations& cancellations);

  bool is_empty() const;
  /// Requests that have not begun, by tenant.
  std::map<std::string, int64_t> waiting() const;
  /// Models, tenants; the rest is the scheduler's.
  void describe(Snapshot& snapshot) const;

 private:
  struct Lane {
    Tasks tasks;
    std::unique_ptr<TaskRunner> runner;  // while the model is loaded
    double wants_since_s = -1;           // asks for room
    bool leaves = false;                 // is to be put out for another
  };
  bool is_busy(const std::string& name) const;
  void finish_task(Task& task, const Status& status);
  void finish_lane(Lane& lane, const Status& status);
  void sweep(const std::string& name, Lane& lane);
  void keep_prompts(const Lane& lane) const;
  void fetch_prompts(Lane& lane) const;
  void put_out(const std::string& name);
  bool step_of(const std::string& name, Lane& lane, Cancellations& cancellations);
  void open(const std::string& name, Lane& lane);
  Result<std::unique_ptr<TaskRunner>> make_runner(const std::string& name);
  void give_up(const std::string& name, Lane& lane, const std::exception& error);
  void let_stay(std::span<const std::pair<RequestId, std::string>> wanting);
  void ask_for_room(const std::string& name, Lane& lane);
  void make_others_leave(const std::string& name);

  ModelPool& models_;
  const Clock& clock_;
  LaneOptions options_;
  const EndObserver& observer_;
  SpillStore spills_;
  Accounts accounts_;
  FairShare turns_;  // of models, in seconds a request
  std::map<std::string, Lane> lanes_;
};

}  // namespace verge::serve
