#include "frontend/cli/tuning.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>

namespace weft {

void AddTuning(CLI::App& app, std::string& mode) {
  app.add_option("--tuning", mode, kTuningHelp)->capture_default_str();
}

absl::StatusOr<TuningOptions> TuningFor(const std::string& mode) {
  TuningOptions options{.progress = ShowTuning(), .warn = WarnOfTuning};
  WEFT_ASSIGN_OR_RETURN(options.mode, ParseTuningMode(mode));
  return options;
}

std::function<void(const TuningProgress&)> ShowTuning() {
  using Clock = std::chrono::steady_clock;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  return [terminal,
          last = std::make_shared<Clock::time_point>(Clock::now())](const TuningProgress& p) {
    const bool ends = p.nodes_done == p.nodes;
    const auto pause = terminal ? std::chrono::milliseconds(100) : std::chrono::seconds(10);
    if (Clock::now() - *last < pause && !(terminal && ends)) return;
    *last = Clock::now();
    std::fprintf(stderr, "%stuning: %lld of %lld nodes, %lld kernels timed%s", terminal ? "\r" : "",
                 static_cast<long long>(p.nodes_done), static_cast<long long>(p.nodes),
                 static_cast<long long>(p.kernels_timed), terminal && !ends ? "" : "\n");
  };
}

void WarnOfTuning(std::string_view what) {
  std::fprintf(stderr, "warning: kernels are tuned without what is kept on disk: %.*s\n",
               static_cast<int>(what.size()), what.data());
}

}  // namespace weft
