#ifndef WEFT_FRONTEND_CLI_WORKLOAD_SETUP_H_
#define WEFT_FRONTEND_CLI_WORKLOAD_SETUP_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontend/bench/workload.h"

namespace weft {

// What the commands that measure have in common.
struct WorkloadArguments {
  std::string model;
  std::optional<int64_t> batch;
  std::vector<std::string> sizes;
  int threads = 0;
  std::string tuning = "cached";
  double seconds = 3;
  bool training = false;
  bool no_optimize = false;
};
void AddWorkloadOptions(CLI::App& app, WorkloadArguments& a);

// A workload that has run once.
struct LoadedWorkload {
  std::unique_ptr<Workload> workload;
  double load_seconds = 0;  // until it was optimized: a file was read, or a network of the zoo made
  double first_seconds = 0;  // until the first result was there, but for making the examples
};
// Errors name the option, or the model.
absl::StatusOr<LoadedWorkload> LoadWorkload(const std::string& model, const WorkloadArguments& a);

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_WORKLOAD_SETUP_H_
