#include <algorithm>

#include <verge/cli/collab_bench_report.hpp>
#include <verge/core/bar_chart.hpp>

namespace verge::cli {
namespace {

Json or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

std::string percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.1f}%", 100 * *share) : "-";
}

}  // namespace

Json to_json(const CollabBenchRow& row) {
  const serve::CollabMetrics& metrics = row.metrics;
  const auto answers = static_cast<double>(row.answers);
  Json places = Json::object();
  for (const serve::TokenPlace place : serve::kTokenPlaces) {
    places[std::string(serve::name(place))] = metrics.count(place);
  }
  Json predicted;
  if (row.predicted) {
    const serve::PredictedCost& cost = row.predicted->cost;
    predicted = {{"next_token_s", cost.token_s},
                 {"edge_s", cost.edge_s},
                 {"exposed_s", cost.exposed_s},
                 {"server_s", cost.server_s},
                 {"server_engine_s", row.predicted->server_engine_s}};
  }
  return {{"mode", serve::name(row.of.mode)},
          {"clients", row.of.clients},
          {"answers", row.answers},
          {"failed", row.failed},
          {"failure", row.failure},
          {"wall_s", row.wall_s},
          {"answers_per_s", answers / row.wall_s},
          {"answer_s",
           {{"mean", row.mean_s()}, {"p50", row.quantile_s(0.5)}, {"p95", row.quantile_s(0.95)}}},
          {"next_token_s", row.next_token_s},
          {"longest_token_s", row.longest_token_s},
          {"tokens", places},
          {"cloud_rate", metrics.cloud_rate()},
          {"edge_s", metrics.edge_s / answers},
          {"exposed_s", metrics.exposed_s() / answers},
          {"hidden_s", metrics.hidden_s() / answers},
          {"server_s", metrics.server_s / answers},
          {"bytes_up_per_token", row.per_token(static_cast<double>(metrics.bytes_up))},
          {"bytes_down_per_token", row.per_token(static_cast<double>(metrics.bytes_down))},
          {"edge_layer_tokens", metrics.edge_layer_tokens},
          {"server_layer_tokens", row.server_layer_tokens()},
          {"server_passes", row.server_steps()},
          {"server_engine_s", row.server_engine_s()},
          {"waits", metrics.waits},
          {"drafted", metrics.drafted},
          {"undone", metrics.undone},
          {"late_states", metrics.late_states},
          {"sent_again", metrics.sent_again},
          {"same_as_cloud", or_null(row.same)},
          {"rouge_l", or_null(row.rouge)},
          {"agreement", or_null(row.kept)},
          {"predicted", predicted},
          {"node", row.server}};
}

void print_bench_rows(const std::vector<CollabBenchRow>& rows, std::ostream& out) {
  out << fmt::format("{:<11} {:>7} {:>9} {:>8} {:>8} {:>7} {:>7} {:>7} {:>8} {:>9} {:>7} {:>7}\n",
                     "mode", "clients", "answers/s", "s mean", "s p95", "edge s", "link s",
                     "node s", "B up/tok", "layer-tok", "passes", "agrees");
  for (const CollabBenchRow& row : rows) {
    const serve::CollabMetrics& metrics = row.metrics;
    const auto answers = static_cast<double>(row.answers);
    out << fmt::format(
        "{:<11} {:>7} {:>9.3f} {:>8.3f} {:>8.3f} {:>7.3f} {:>7.3f} {:>7.3f} {:>8.0f} {:>9.1f} "
        "{:>7.2f} {:>7}\n",
        serve::name(row.of.mode), row.of.clients, answers / row.wall_s, row.mean_s(),
        row.quantile_s(0.95), metrics.edge_s / answers, metrics.exposed_s() / answers,
        metrics.server_s / answers, row.per_token(static_cast<double>(metrics.bytes_up)),
        row.per_token(row.server_layer_tokens()), row.per_token(row.server_steps()),
        percent(row.kept ? row.kept : row.same));
    if (row.failed > 0) {
      out << fmt::format("  {} answers broke off, the first: {}\n", row.failed, row.failure);
    }
  }
}

std::string to_csv(const std::vector<CollabBenchRow>& rows) {
  std::string csv;
  for (const CollabBenchRow& row : rows) {
    std::string names, values;
    const Json flat = to_json(row).flatten();
    for (const auto& [pointer, value] : flat.items()) {
      if (pointer.starts_with("/node/") || pointer.starts_with("/predicted") ||
          pointer == "/failure")
        continue;
      std::string name = pointer.substr(1);
      std::ranges::replace(name, '/', '.');
      names += (names.empty() ? "" : ",") + name;
      values += values.empty() ? "" : ",";
      if (!value.is_null()) values += value.is_string() ? value.get<std::string>() : value.dump();
    }
    if (csv.empty()) csv = names + "\n";
    csv += values + "\n";
  }
  return csv;
}

std::string to_svg(const std::vector<CollabBenchRow>& rows) {
  BarChart chart{.title = "Seconds of an answer",
                 .y_label = "s",
                 .parts = {"device", "waiting for the link", "node: engine and queue"}};
  for (const CollabBenchRow& row : rows) {
    const auto answers = static_cast<double>(row.answers);
    chart.bars.push_back({fmt::format("{}\n{} client{}", serve::name(row.of.mode), row.of.clients,
                                      row.of.clients == 1 ? "" : "s"),
                          {row.metrics.edge_s / answers, row.metrics.exposed_s() / answers,
                           row.metrics.server_s / answers}});
  }
  return verge::to_svg(chart);
}

}  // namespace verge::cli
