#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/ranges.h>

#include <verge/engine/quality/gate.hpp>

namespace verge::quality {
namespace {

const Measure* find(const std::vector<Measure>& measured, std::string_view name) {
  const auto it = std::ranges::find(measured, name, &Measure::name);
  return it == measured.end() ? nullptr : &*it;
}

}  // namespace

std::vector<Measure> measures(const TextQuality& quality) {
  std::vector<Measure> list = {{"nll", quality.nll}, {"ppl", quality.perplexity}};
  if (!quality.divergence) return list;
  const Divergence& divergence = *quality.divergence;
  const double base = std::exp(divergence.reference_nll.value);
  list.push_back(
      {"ppl_base", {base, base * divergence.reference_nll.standard_error, quality.nll.count}});
  list.push_back({"kld", divergence.kl});
  list.push_back({"kld_p999", divergence.kl_quantile});
  list.push_back({"top1", divergence.top1});
  return list;
}

std::vector<Measure> measures(const ChoiceQuality& quality) {
  return {{"acc", quality.accuracy}, {"acc_norm", quality.normalised_accuracy}};
}

Result<Gate> Gate::parse(std::string_view rules) {
  Gate gate;
  for (std::string_view rest = rules; !rest.empty();) {
    const size_t end = std::min(rest.find(','), rest.size());
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t sign = text.find_first_of("<>");
    Rule rule;
    const char* last = text.data() + text.size();
    if (sign != std::string_view::npos && sign > 0) {
      rule.name = text.substr(0, sign);
      rule.is_upper = text[sign] == '<';
      const auto [stop, error] = std::from_chars(text.data() + sign + 1, last, rule.bound);
      if (error == std::errc() && stop == last) {
        gate.rules_.push_back(std::move(rule));
        continue;
      }
    }
    return make_error(Code::InvalidArgument,
                      "\"{}\" is no rule of a gate; write NAME<NUMBER or NAME>NUMBER, joined by "
                      "commas, as kld<0.02,top1>0.95",
                      text);
  }
  return gate;
}

Status Gate::check_names(const std::vector<Measure>& measured) const {
  for (const Rule& rule : rules_) {
    if (find(measured, rule.name) != nullptr) continue;
    std::vector<std::string_view> names;
    for (const Measure& measure : measured) names.push_back(measure.name);
    return make_error(Code::InvalidArgument,
                      "the gate names \"{}\", which was not measured; measured: {}", rule.name,
                      fmt::join(names, ", "));
  }
  return {};
}

std::vector<std::string> Gate::failures(const std::vector<Measure>& measured) const {
  std::vector<std::string> failed;
  for (const Rule& rule : rules_) {
    const Measure* measure = find(measured, rule.name);
    VERGE_CHECK(measure != nullptr, rule.name);
    const double value = measure->estimate.value;
    if (rule.is_upper ? value < rule.bound : value > rule.bound) continue;
    failed.push_back(fmt::format("{} is {:.5g}, not {} {:g}", rule.name, value,
                                 rule.is_upper ? '<' : '>', rule.bound));
  }
  return failed;
}

}  // namespace verge::quality
