#include <algorithm>

#include <verge/stages/fit/scheme_search/time_by_work.hpp>

namespace verge::fit {

Result<TimeByWork> TimeByWork::measure(const BaseModel& base, const TrainingPlan& least,
                                       const TrainingPlan& most, ThreadPool& pool,
                                       const Clock& clock) {
  VERGE_TRY(const StepTime least_time, time_step(base, least, pool, clock));
  VERGE_TRY(const StepTime most_time, time_step(base, most, pool, clock));
  TimeByWork line;
  line.least_ms_ = least_time.ms;
  line.least_flops_ = least.work.total();
  line.ms_per_flop_ = std::max(0.0, most_time.ms - least_time.ms) /
                      std::max(1.0, most.work.total() - line.least_flops_);
  return line;
}

double TimeByWork::ms(const TrainingPlan& plan) const {
  return least_ms_ + ms_per_flop_ * (plan.work.total() - least_flops_);
}

}  // namespace verge::fit
