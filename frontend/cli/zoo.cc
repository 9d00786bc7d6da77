#include "frontend/zoo/zoo.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "frontend/analysis/summary.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/zoo/golden.h"
#include "graph/file/serialize.h"
#include "graph/number_text.h"

namespace weft {
namespace {

struct ZooArguments {
  std::vector<std::string> names;
  std::string output;
  std::string check;
  std::string input;
  ZooOptions options;
  int threads = 0;
};

// The networks of these names, each once; a name that none has stands for those that begin so.
absl::StatusOr<std::vector<const ZooEntry*>> FindAll(const std::vector<std::string>& names) {
  std::vector<const ZooEntry*> entries;
  for (const std::string& name : names) {
    const auto entry = FindNetwork(name);
    bool found = false;
    for (const ZooEntry& other : Zoo()) {
      if (entry.ok() ? &other != *entry : !other.name.starts_with(name)) continue;
      found = true;
      if (std::ranges::find(entries, &other) == entries.end()) entries.push_back(&other);
    }
    if (!found) return entry.status();
  }
  if (!names.empty()) return entries;
  for (const ZooEntry& entry : Zoo()) entries.push_back(&entry);
  return entries;
}

// What `weft train` does unless it is told otherwise.
void PrintTraining(const ZooEntry& entry) {
  Print(
      "  %s; trained for %lld epochs with batch %lld, learning rate %g (%s), momentum %g, weight "
      "decay %g\n",
      entry.description.c_str(), static_cast<long long>(entry.fit.epochs),
      static_cast<long long>(entry.fit.batch_size), entry.fit.learning_rate,
      entry.fit.schedule.kind.c_str(), entry.optimizer.momentum,
      std::max(entry.optimizer.weight_decay, 0.0));
}

// One line a network: what it is, what it costs.
absl::Status List(const ZooArguments& a) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<const ZooEntry*> entries, FindAll(a.names));
  Print("%-34s %4s %-12s %13s %16s  %s\n", "network", "year", "input", "parameters", "MACs",
        "paper");
  for (const ZooEntry* entry : entries) {
    ZooOptions options = a.options;
    options.draw = false;
    WEFT_ASSIGN_OR_RETURN(const Model model, BuildNetwork(*entry, options));
    WEFT_ASSIGN_OR_RETURN(const ModelSize size, SizeOf(model.graph));
    Print("%-34s %4d %-12s %13s %16s  %s\n", entry->name.c_str(), entry->year,
          SizeText(options.input.empty() ? entry->input : options.input).c_str(),
          WithCommas(size.parameters).c_str(), WithCommas(size.macs).c_str(), entry->paper.c_str());
    if (!a.names.empty()) PrintTraining(*entry);
  }
  return absl::OkStatus();
}

absl::Status Write(const ZooArguments& a) {
  if (a.names.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected one network to write to ", a.output, ", got ", a.names.size()));
  }
  WEFT_RETURN_IF_ERROR(CheckModelPath(a.output));
  WEFT_ASSIGN_OR_RETURN(const ZooEntry* entry, FindNetwork(a.names[0]));
  WEFT_ASSIGN_OR_RETURN(const Model model, BuildNetwork(*entry, a.options));
  WEFT_RETURN_IF_ERROR(SaveModel(model, a.output));
  WEFT_ASSIGN_OR_RETURN(const ModelSize size, SizeOf(model.graph));
  Print("%s: %s parameters, %s MACs an example; saved %s\n", entry->name.c_str(),
        WithCommas(size.parameters).c_str(), WithCommas(size.macs).c_str(), a.output.c_str());
  return absl::OkStatus();
}

// The networks of the folder that are asked for. A beginning of names stands for those that the
// folder has; a whole name that it has not is an error of the check.
absl::StatusOr<std::vector<std::string>> NamesToCheck(const ZooArguments& a) {
  WEFT_ASSIGN_OR_RETURN(std::vector<std::string> all, GoldenNetworks(a.check));
  if (a.names.empty()) return all;
  WEFT_ASSIGN_OR_RETURN(const std::vector<const ZooEntry*> entries, FindAll(a.names));
  std::vector<std::string> names;
  for (const ZooEntry* entry : entries) {
    const bool is_there = std::ranges::find(all, entry->name) != all.end();
    const bool is_named = std::ranges::find(a.names, entry->name) != a.names.end();
    if (is_there || is_named) names.push_back(entry->name);
  }
  if (!names.empty()) return names;
  return absl::NotFoundError(
      absl::StrCat(a.check, ": has no network called ", absl::StrJoin(a.names, ", ")));
}

absl::Status CheckAll(const ZooArguments& a) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesToCheck(a));
  Print("%-22s %12s %12s %12s %12s\n", "network", "logits", "difference", "optimized",
        "difference");
  size_t failed = 0;
  for (const std::string& name : names) {
    WEFT_ASSIGN_OR_RETURN(const GoldenResult r, CheckGolden(a.check, name, a.threads));
    Print("%-22s %12.2e %12.2e %12.2e %12.2e  %s\n", name.c_str(), r.plain, r.plain_difference,
          r.optimized, r.optimized_difference, r.passes() ? "ok" : "FAIL");
    std::fflush(stdout);
    failed += !r.passes();
  }
  if (failed == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(failed, " of ", names.size(), " networks differ by more than ", kLogitsTolerance,
                   " of the largest logit or ", kDifferenceTolerance,
                   " of the largest difference between the images"));
}

absl::Status RunZoo(ZooArguments a) {
  if (!a.input.empty()) {
    WEFT_ASSIGN_OR_RETURN(a.options.input, ParseSize(a.input));
  }
  if (!a.check.empty()) return CheckAll(a);
  return a.output.empty() ? List(a) : Write(a);
}

}  // namespace

Command AddZoo(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "zoo", "List the networks that Weft has, or write one with its initial weights");
  auto a = std::make_shared<ZooArguments>();
  app->add_option("names", a->names, "Networks, or how their names begin (default: all)");
  app->add_option("-o,--output", a->output, "Write the network to this .weft file");
  app->add_option("--classes", a->options.classes, "Classes (default: the network's own)");
  app->add_option("--input", a->input, "One example's size, as 3x224x224");
  app->add_option("--width", a->options.width, "Factor of the channels within the network")
      ->capture_default_str();
  app->add_option("--seed", a->options.seed, "Of the initial weights")->capture_default_str();
  app->add_option("--check", a->check,
                  "Compare logits with those in a folder (NET.txt, logits.safetensors), for "
                  "weights generated from the names of the tensors")
      ->type_name("DIR");
  app->add_option("--threads", a->threads, "Threads (default: all CPUs this process may use)");
  app->footer("Example: weft zoo resnet18 -o r.weft --classes 10 --input 3x64x64");
  return {app, [a] { return RunZoo(*a); }};
}

}  // namespace weft
