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
#include "graph/file/write_all.h"

namespace weft {
namespace {

constexpr int kRows = 14;

struct LrFindArguments {
  std::shared_ptr<Config> flags = std::make_shared<Config>();
  LrFindOptions options;
  std::string plot;
};

// The curve's points in [0,1] by [0,1], left to right and bottom to top. What has exploded is cut
// off at the top.
std::vector<std::pair<double, double>> UnitCurve(const LrFindResult& result) {
  const auto& p = result.points;
  const auto [low, high] = std::ranges::minmax(p, {}, &LrFindPoint::smoothed);
  const double top = std::min(high.smoothed, std::max(1.5 * p[0].smoothed, 2 * low.smoothed));
  const double height = std::max(top - low.smoothed, 1e-12);
  const double width = std::log(p.back().learning_rate / p[0].learning_rate);
  std::vector<std::pair<double, double>> curve;
  for (const LrFindPoint& point : p) {
    curve.emplace_back(std::log(point.learning_rate / p[0].learning_rate) / width,
                       std::clamp((point.smoothed - low.smoothed) / height, 0.0, 1.0));
  }
  return curve;
}

// For the terminal, with the suggestion as a column of bars.
std::string DrawnCurve(const LrFindResult& result, int columns) {
  const size_t width = static_cast<size_t>(std::clamp(columns - 2, 20, 78));
  std::vector<std::string> rows(kRows, std::string(width, ' '));
  const auto column = [&](double x) { return static_cast<size_t>(x * (width - 1) + 0.5); };
  const auto& p = result.points;
  const double suggested = std::log(result.steepest / p[0].learning_rate) /
                           std::log(p.back().learning_rate / p[0].learning_rate);
  for (std::string& row : rows) row[column(suggested)] = '|';
  for (const auto& [x, y] : UnitCurve(result)) {
    rows[static_cast<size_t>((1 - y) * (kRows - 1) + 0.5)][column(x)] = '*';
  }
  std::string text;
  for (const std::string& row : rows) absl::StrAppend(&text, row, "\n");
  const std::string begin = absl::StrFormat("%.2g", p[0].learning_rate);
  const std::string end = absl::StrFormat("%.2g", p.back().learning_rate);
  const size_t gap = width - std::min(width - 1, begin.size() + end.size());
  return absl::StrCat(text, std::string(width, '-'), "\n", begin, std::string(gap, ' '), end, "\n");
}

std::string SvgOf(const LrFindResult& result) {
  constexpr double kWidth = 640, kHeight = 400, kMargin = 40;
  const auto x = [](double part) { return kMargin + part * (kWidth - 2 * kMargin); };
  const auto y = [](double part) { return kHeight - kMargin - part * (kHeight - 2 * kMargin); };
  const auto& p = result.points;
  const double suggested = std::log(result.steepest / p[0].learning_rate) /
                           std::log(p.back().learning_rate / p[0].learning_rate);
  std::string svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" "
      "font-family=\"sans-serif\" font-size=\"13\">\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
      "<path d=\"M%g %gV%gH%g\" fill=\"none\" stroke=\"gray\"/>\n"
      "<path d=\"M%.1f %gV%g\" stroke=\"crimson\" stroke-dasharray=\"4\"/>\n"
      "<polyline fill=\"none\" stroke=\"steelblue\" stroke-width=\"2\" points=\"",
      kWidth, kHeight, x(0), y(1), y(0), x(1), x(suggested), y(1), y(0));
  for (const auto& [u, v] : UnitCurve(result)) {
    absl::StrAppendFormat(&svg, "%.1f,%.1f ", x(u), y(v));
  }
  absl::StrAppendFormat(
      &svg,
      "\"/>\n<text x=\"%g\" y=\"%g\">%.2g</text>\n"
      "<text x=\"%g\" y=\"%g\" text-anchor=\"end\">%.2g</text>\n"
      "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\" fill=\"crimson\">%.2g</text>\n"
      "<text x=\"%g\" y=\"%g\" text-anchor=\"middle\">learning rate (log), smoothed loss</text>\n"
      "</svg>\n",
      x(0), kHeight - 20, p[0].learning_rate, x(1), kHeight - 20, p.back().learning_rate,
      x(suggested), y(1) - 8, result.steepest, kWidth / 2, kHeight - 8);
  return svg;
}

std::string CsvOf(const LrFindResult& result) {
  std::string csv = "learning_rate,loss,smoothed_loss\n";
  for (const LrFindPoint& p : result.points) {
    absl::StrAppendFormat(&csv, "%.9g,%.9g,%.9g\n", p.learning_rate, p.loss, p.smoothed);
  }
  return csv;
}

absl::Status WriteTextFile(const std::string& path, const std::string& text) {
  return WriteAtomically(PosixFileSystem(), path, [&](WritableFile& file) {
    return file.Append(std::as_bytes(std::span(text)));
  });
}

absl::Status LrFind(LrFindArguments a) {
  const auto output = a.flags->find("output");
  const std::string csv = output == a.flags->end() ? "" : output->second;
  for (const std::string& path : {csv, a.plot}) {
    if (!path.empty()) WEFT_RETURN_IF_ERROR(CheckOutputPath(path));
  }
  WEFT_ASSIGN_OR_RETURN(TrainSource source, FindTrainSource(*a.flags));
  source.resumes = false;
  WEFT_ASSIGN_OR_RETURN(const TrainSetup s, SetUpTraining(std::move(source)));
  a.options.batch_size = s.options.fit.batch_size;
  InterruptGuard guard;
  WEFT_ASSIGN_OR_RETURN(const LrFindResult result,
                        FindLearningRate(*s.trainer, s.train, a.options,
                                         [&](const LrFindPoint&) { return guard.interrupted(); }));
  if (guard.interrupted()) return absl::CancelledError("interrupted");
  Print("%s", DrawnCurve(result, TerminalColumns()).c_str());
  Print("the loss falls fastest at learning rate %.2g, is least at %.2g: try --lr %.1g\n",
        result.steepest, result.least, result.steepest);
  if (!csv.empty()) WEFT_RETURN_IF_ERROR(WriteTextFile(csv, CsvOf(result)));
  if (!a.plot.empty()) WEFT_RETURN_IF_ERROR(WriteTextFile(a.plot, SvgOf(result)));
  return absl::OkStatus();
}

}  // namespace

Command AddLrFind(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "lr-find", "Find a learning rate: it rises from step to step until the loss explodes");
  auto a = std::make_shared<LrFindArguments>();
  AddOptionFlags(*app, a->flags);
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
  app->add_option("--plot", a->plot, "Draw the curve into this file, as SVG");
  app->footer(
      "All options of weft train hold; -o FILE writes the curve as CSV. Smith 2017, Cyclical "
      "learning rates.\n"
      "Example: weft lr-find lenet-bn --data digits -o lr.csv --plot lr.svg");
  return {app, [a] { return LrFind(*a); }};
}

}  // namespace weft
