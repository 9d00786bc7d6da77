#include "frontend/cli/report_json.h"

namespace weft {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const Work& work) {
  return {{"nodes", work.nodes}, {"macs", work.macs}, {"bytes", work.bytes}};
}

Json NodesJson(const std::vector<std::string>& names, const std::vector<std::string>& ops) {
  Json nodes = Json::array();
  for (size_t i = 0; i < names.size(); ++i) {
    nodes.push_back({{"name", names[i]}, {"op", i < ops.size() ? ops[i] : ""}});
  }
  return nodes;
}

}  // namespace

Json ToJson(const Rewrite& rewrite) {
  Json json = {{"rule", rewrite.rule},
               {"sources", NodesJson(rewrite.sources, rewrite.source_ops)},
               {"results", NodesJson(rewrite.results, rewrite.result_ops)},
               {"before", ToJson(rewrite.before)},
               {"after", ToJson(rewrite.after)}};
  if (rewrite.cause) json["cause"] = *rewrite.cause;
  if (rewrite.error) json["error"] = *rewrite.error;
  return json;
}

Json ToJson(const PassReport& report) {
  Json json = {{"before", ToJson(report.before)}, {"after", ToJson(report.after)}};
  if (report.error) json["error"] = *report.error;
  json["rules"] = Json::array();
  for (const RuleSummary& rule : report.Summary()) {
    json["rules"].push_back({{"rule", rule.rule},
                             {"times", rule.times},
                             {"before", ToJson(rule.before)},
                             {"after", ToJson(rule.after)}});
  }
  json["rewrites"] = Json::array();
  for (const Rewrite& rewrite : report.rewrites) json["rewrites"].push_back(ToJson(rewrite));
  json["near_misses"] = Json::array();
  for (const NearMiss& miss : report.near_misses) {
    json["near_misses"].push_back(
        {{"rule", miss.rule}, {"node", miss.node}, {"condition", miss.condition}});
  }
  return json;
}

std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace weft
