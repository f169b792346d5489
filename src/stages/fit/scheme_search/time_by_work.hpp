#pragma once
// TimeByWork: what a step lasts here, estimated: a line by its work through two measured steps.

#include <verge/stages/fit/tune/step_time.hpp>

namespace verge::fit {

class TimeByWork {
 public:
  /// Times two plans, of which the second works more. Fails as time_step does.
  static Result<TimeByWork> measure(const BaseModel& base, const TrainingPlan& least,
                                    const TrainingPlan& most, ThreadPool& pool, const Clock& clock);

  /// Of the first of the two, as measured.
  double least_ms() const { return least_ms_; }
  double ms(const TrainingPlan& plan) const;

 private:
  double least_ms_ = 0, least_flops_ = 0, ms_per_flop_ = 0;
};

}  // namespace verge::fit
