#include "frontend/watch/progress_text.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <string_view>
#include <vector>

#include "graph/number_text.h"

namespace weft {
namespace {

constexpr int kNarrowestBar = 8, kWidestBar = 30;  // characters between the brackets
constexpr int kBarFrame = 4;                       // brackets, and blanks after them

[[gnu::format(printf, 1, 2)]] std::string ProgressFormat(const char* format, ...) {
  char buffer[96];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof(buffer), format, arguments);
  va_end(arguments);
  return buffer;
}

std::string ProgressBar(double part, int width) {
  const int done = std::clamp(static_cast<int>(std::lround(part * width)), 0, width);
  std::string bar(static_cast<size_t>(width), ' ');
  std::fill_n(bar.begin(), done, '=');
  if (done < width) bar[static_cast<size_t>(done)] = '>';
  return "[" + bar + "]";
}

std::string RateText(double images_per_second) {
  return WithCommas(std::llround(images_per_second)) + " images/s";
}

std::string WaitingText(double share) { return ProgressFormat("waiting %.0f %%", 100 * share); }

std::string EpochText(int64_t epoch, int64_t epochs) {
  return absl::StrCat("epoch ", epoch + 1, "/", epochs);
}

// The most wanted first.
std::vector<std::string> ProgressFigures(const StepProgress& p, double smoothed_loss) {
  std::vector<std::string> figures = {ProgressFormat("loss %.4f", smoothed_loss)};
  if (p.accuracy) figures.push_back(ProgressFormat("accuracy %.2f %%", 100 * *p.accuracy));
  figures.push_back("ETA " + DurationText(p.eta_seconds));
  figures.push_back(RateText(p.images_per_second));
  figures.push_back(WaitingText(p.waiting));
  figures.push_back(ProgressFormat("lr %.3g", p.learning_rate));
  return figures;
}

std::string JoinedFigures(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "  ") + part;
  return text;
}

// The metric of the test that says most, beside accuracy and loss.
std::string TestMetricsText(const Evaluation& test) {
  std::string text;
  for (const NamedMetric& metric : Metrics(test.metrics, test.count)) {
    const bool share = metric.name == "top5" || metric.name == "miou";
    const bool plain = metric.name == "f1" || metric.name == "auc" || metric.name == "mae";
    if (share) text += ProgressFormat("  %s %.2f %%", metric.name.c_str(), 100 * metric.value);
    if (plain) text += ProgressFormat("  %s %.4f", metric.name.c_str(), metric.value);
  }
  return text;
}

}  // namespace

std::string DurationText(double seconds) {
  if (seconds < 59.95) return ProgressFormat("%.1f s", seconds);
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 3600) return ProgressFormat("%lld:%02lld", whole / 60, whole % 60);
  return ProgressFormat("%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string ProgressLine(const StepProgress& p, double smoothed_loss, int columns) {
  const std::string epoch = EpochText(p.epoch, p.epochs) + "  ";
  std::vector<std::string> figures = ProgressFigures(p, smoothed_loss);
  const auto rest = [&] {
    return columns - static_cast<int>(epoch.size() + JoinedFigures(figures).size());
  };
  while (figures.size() > 1 && rest() < 0) figures.pop_back();
  const int width = std::min(rest() - kBarFrame, kWidestBar);
  if (width < kNarrowestBar) return epoch + JoinedFigures(figures);
  const double part = static_cast<double>(p.batch) / static_cast<double>(p.batches);
  return epoch + ProgressBar(part, width) + "  " + JoinedFigures(figures);
}

std::string ProgressRow(const StepProgress& p, double smoothed_loss) {
  return absl::StrCat(EpochText(p.epoch, p.epochs), "  batch ", p.batch, " of ", p.batches, "  ",
                      JoinedFigures(ProgressFigures(p, smoothed_loss)));
}

std::string EpochLine(const EpochSummary& s) {
  std::string text = EpochText(s.epoch, s.epochs) + ProgressFormat("  loss %.4f", s.loss);
  if (s.accuracy) text += ProgressFormat("  accuracy %.2f %%", 100 * *s.accuracy);
  if (s.test && s.test->scored) {
    text += ProgressFormat("  test loss %.4f  test accuracy %.2f %%", s.test->loss(),
                           100 * s.test->accuracy()) +
            absl::StrCat(" (", WithCommas(s.test->correct), " of ", WithCommas(s.test->count), ")");
  } else if (s.test) {
    text += ProgressFormat("  test loss %.4f", s.test->loss());
  }
  if (s.test) text += TestMetricsText(*s.test);
  return text + "  " + RateText(s.images_per_second) + "  " + WaitingText(s.waiting) + "  " +
         DurationText(s.seconds);
}

}  // namespace weft
