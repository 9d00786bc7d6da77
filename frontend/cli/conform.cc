#include "frontend/onnx/conform/conform.h"

#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "runtime/exec/parallel.h"

namespace weft {
namespace {

struct ConformArguments {
  std::vector<std::string> folders;
  bool json = false;
  int threads = 0;
};

constexpr std::array kOutcomes = {ConformOutcome::kPass, ConformOutcome::kRandom,
                                  ConformOutcome::kUnsupported, ConformOutcome::kFail};

void PrintLine(const ConformResult& r) {
  Print("%s %s%s%s\n", std::string(ToString(r.outcome)).c_str(), r.name.c_str(),
        r.detail.empty() ? "" : ": ", r.detail.c_str());
}

void PrintJson(const std::vector<ConformResult>& results,
               const std::map<ConformOutcome, int>& counts) {
  nlohmann::ordered_json json;
  json["cases"] = nlohmann::ordered_json::array();
  for (const ConformResult& r : results) {
    json["cases"].push_back(
        {{"name", r.name}, {"outcome", ToString(r.outcome)}, {"detail", r.detail}});
  }
  for (const auto outcome : kOutcomes) {
    const auto it = counts.find(outcome);
    json["counts"][std::string(ToString(outcome))] = it == counts.end() ? 0 : it->second;
  }
  // Names and messages of files may hold anything.
  Print("%s\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

absl::Status Run(const ConformArguments& a) {
  WEFT_RETURN_IF_ERROR(CheckThreads(a.threads));
  std::vector<std::string> cases;
  for (const std::string& folder : a.folders) {
    WEFT_ASSIGN_OR_RETURN(const std::vector<std::string> found, FindConformCases(folder));
    cases.insert(cases.end(), found.begin(), found.end());
  }
  std::vector<ConformResult> results;
  std::map<ConformOutcome, int> counts;
  for (const std::string& folder : cases) {
    results.push_back(RunConformCase(folder, {.threads = a.threads}));
    ++counts[results.back().outcome];
    if (!a.json) PrintLine(results.back());
  }
  if (a.json) PrintJson(results, counts);
  if (!a.json) {
    Print("%zu case%s:", results.size(), results.size() == 1 ? "" : "s");
    for (const auto outcome : kOutcomes) {
      Print(" %d %s%s", counts[outcome], std::string(ToString(outcome)).c_str(),
            outcome == kOutcomes.back() ? "\n" : ",");
    }
  }
  const int failed = counts[ConformOutcome::kFail];
  return failed == 0 ? absl::OkStatus()
                     : absl::FailedPreconditionError(
                           absl::StrCat(failed, failed == 1 ? " case fails" : " cases fail"));
}

}  // namespace

Command AddConform(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "conform", "Run test cases in the layout of ONNX's suite, unoptimized and optimized");
  auto a = std::make_shared<ConformArguments>();
  app->add_option("folders", a->folders,
                  "Folders with a model.onnx and test_data_set_*, or folders of such folders")
      ->required();
  app->add_flag("--json", a->json, "Write the results as JSON");
  app->add_option("--threads", a->threads, "Threads (default: all CPUs this process may use)");
  app->footer("Example: weft conform /usr/share/libonnx-testdata/data/node");
  return {app, [a] { return Run(*a); }};
}

}  // namespace weft
