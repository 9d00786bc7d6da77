#ifndef WEFT_FRONTEND_CLI_COMMAND_H_
#define WEFT_FRONTEND_CLI_COMMAND_H_

#include <CLI/CLI.hpp>
#include <functional>

#include "graph/status.h"

namespace weft {

// A subcommand: its arguments, and what it does once they are parsed. A failure with code
// kCancelled means that the user interrupted it.
struct Command {
  CLI::App* app;
  std::function<absl::Status()> run;
};

// One file each: adds the subcommand to the program.
Command AddTrain(CLI::App& program);
Command AddData(CLI::App& program);
Command AddEval(CLI::App& program);
Command AddFeatures(CLI::App& program);
Command AddRun(CLI::App& program);
Command AddShow(CLI::App& program);
Command AddOptimize(CLI::App& program);
Command AddDiff(CLI::App& program);
Command AddExport(CLI::App& program);
Command AddPlan(CLI::App& program);
Command AddWeights(CLI::App& program);
Command AddOps(CLI::App& program);
Command AddImport(CLI::App& program);
Command AddConform(CLI::App& program);
Command AddZoo(CLI::App& program);
Command AddDemo(CLI::App& program);
Command AddLrFind(CLI::App& program);
Command AddPlot(CLI::App& program);
Command AddBench(CLI::App& program);
Command AddProfile(CLI::App& program);
Command AddInspect(CLI::App& program);
Command AddServe(CLI::App& program);
Command AddFilter(CLI::App& program);
Command AddReport(CLI::App& program);

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_COMMAND_H_
