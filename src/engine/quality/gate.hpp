#pragma once
// Gate: bounds that a model's measures must keep, as "kld<0.02,top1>0.95".

#include <string>
#include <string_view>
#include <vector>

#include <verge/core/result.hpp>
#include <verge/engine/quality/tasks.hpp>
#include <verge/engine/quality/text_quality.hpp>

namespace verge::quality {

struct Measure {
  std::string name;  // as in a gate
  Estimate estimate;
};

/// The names and values of what was measured: nll, ppl, and beside a reference ppl_base, kld,
/// kld_p999, top1.
std::vector<Measure> measures(const TextQuality& quality);
/// acc, acc_norm.
std::vector<Measure> measures(const ChoiceQuality& quality);

class Gate {
 public:
  /// Rules NAME<BOUND or NAME>BOUND, joined by commas. Fails with InvalidArgument naming the rule.
  static Result<Gate> parse(std::string_view rules);

  /// Nothing, or InvalidArgument for a rule on what was not measured (naming what was).
  Status check_names(const std::vector<Measure>& measured) const;
  /// The rules that do not hold, each as "kld is 0.031, not < 0.02"; NaN holds no rule.
  std::vector<std::string> failures(const std::vector<Measure>& measured) const;

 private:
  struct Rule {
    std::string name;
    bool is_upper = true;  // NAME<BOUND
    double bound = 0;
  };
  std::vector<Rule> rules_;
};

}  // namespace verge::quality
