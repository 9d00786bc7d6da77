#include "frontend/train/lr_find.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/interrupt.h"
#include "frontend/cli/train_setup.h"
#include "frontend/watch/plot.h"
#include "frontend/watch/write_text.h"

namespace weft {
namespace {

// Of what a training can be told, what its first steps at a rising rate depend on: they follow no
// schedule, are not tested, saved or logged, and end before anything is unfrozen or averaged.
struct LrFindTraining {
  TrainCommandOptions options;
};

template <typename F>
void VisitOptions(LrFindTraining& o, F& f) {
  const auto not_used = [](std::string_view key) {
    return key == "output" || key == "restart" || key == "unfreeze_at" || key == "average_decay";
  };
  OptionFilter used(f, not_used);
  OptionFilter batches(f, [](std::string_view key) { return key != "batch" && key != "workers"; });
  BeginSection(f, "Model");
  VisitOptions(o.options.target, used);
  BeginSection(f, "Beginning");
  VisitOptions(o.options.start, f);
  BeginSection(f, "Data");
  VisitOptions(o.options.data, f);
  VisitOptions(o.options.fit, batches);
  BeginSection(f, "Loss and optimizer");
  VisitOptions(o.options.train, used);
}

struct LrFindArguments {
  std::shared_ptr<Config> flags = std::make_shared<Config>();
  LrFindOptions options;
  std::string csv, plot;
};

// The smoothed loss, cut off where it has exploded, and the suggestion as a line upwards.
std::vector<Series> CurvesOf(const LrFindResult& result) {
  const auto& points = result.points;
  const auto [low, high] = std::ranges::minmax(points, {}, &LrFindPoint::smoothed);
  const double top = std::min(high.smoothed, std::max(1.5 * points[0].smoothed, 2 * low.smoothed));
  Series loss{.name = "smoothed loss"};
  for (const LrFindPoint& p : points) {
    loss.x.push_back(p.learning_rate);
    loss.y.push_back(std::min(p.smoothed, top));
  }
  const Series suggestion{.name = absl::StrFormat("steepest: %.2g", result.steepest),
                          .x = {result.steepest, result.steepest},
                          .y = {low.smoothed, top}};
  return {std::move(loss), suggestion};
}

std::string CsvOf(const LrFindResult& result) {
  std::string csv = "learning_rate,loss,smoothed_loss\n";
  for (const LrFindPoint& p : result.points) {
    absl::StrAppendFormat(&csv, "%.9g,%.9g,%.9g\n", p.learning_rate, p.loss, p.smoothed);
  }
  return csv;
}

absl::Status LrFind(LrFindArguments a) {
  for (const std::string& path : {a.csv, a.plot}) {
    if (!path.empty()) WEFT_RETURN_IF_ERROR(CheckOutputPath(path));
  }
  (*a.flags)["restart"] = "1";  // whatever training the file has stays as it is
  WEFT_ASSIGN_OR_RETURN(TrainSource source, FindTrainSource(*a.flags));
  WEFT_ASSIGN_OR_RETURN(const TrainSetup s, SetUpTraining(std::move(source)));
  a.options.batch_size = s.options.fit.batch_size;
  a.options.workers = s.options.fit.workers;
  InterruptGuard guard;
  WEFT_ASSIGN_OR_RETURN(const LrFindResult result,
                        FindLearningRate(*s.trainer, s.train, a.options,
                                         [&](const LrFindPoint&) { return guard.interrupted(); }));
  if (guard.interrupted()) return absl::CancelledError("interrupted");
  const std::vector<Series> curves = CurvesOf(result);
  PlotOptions options{.x_label = "learning rate", .y_label = "loss", .log_x = true};
  options.columns = std::clamp(TerminalColumns() - 12, 20, 78);
  Print("%s", PlotText(curves, options).c_str());
  Print("the loss falls fastest at learning rate %.2g, is least at %.2g: try --lr %.1g\n",
        result.steepest, result.least, result.steepest);
  if (!a.csv.empty()) WEFT_RETURN_IF_ERROR(ReplaceByText(a.csv, CsvOf(result)));
  if (!a.plot.empty()) WEFT_RETURN_IF_ERROR(ReplaceByText(a.plot, PlotSvg(curves, options)));
  return absl::OkStatus();
}

}  // namespace

Command AddLrFind(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "lr-find", "Find a learning rate: it rises from step to step until the loss explodes");
  auto a = std::make_shared<LrFindArguments>();
  AddFlagsOf<LrFindTraining>(*app, a->flags);
  app->add_option_function<std::string>(
      "network", [flags = a->flags](const std::string& model) { (*flags)["model"] = model; },
      "A network (see weft zoo) or a .weft file: the same as --model");
  app->add_option("--from", a->options.begin, "The first learning rate")->capture_default_str();
  app->add_option("--to", a->options.end, "The last one")->capture_default_str();
  app->add_option("--steps", a->options.steps, "Steps from one to the other")
      ->capture_default_str();
  app->add_option("--smoothing", a->options.smoothing,
                  "Share of what was in the running mean of the loss")
      ->capture_default_str();
  app->add_option("-o,--output", a->csv, "Write the curve into this file, as CSV");
  app->add_option("--plot", a->plot, "Draw the curve into this file, as SVG");
  app->footer(
      "Options are those of weft train that matter in its first steps. Smith 2017, Cyclical "
      "learning rates.\n"
      "Example: weft lr-find lenet-bn --data digits -o lr.csv --plot lr.svg");
  return {app, [a] { return LrFind(*a); }};
}

}  // namespace weft
