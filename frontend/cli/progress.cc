#include "frontend/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>

#include "frontend/analysis/summary.h"
#include "frontend/cli/common.h"
#include "graph/number_text.h"

namespace weft {
namespace {

constexpr std::chrono::milliseconds kRedraw(100);
constexpr std::chrono::seconds kPlainLine(10);
constexpr int kWidestBar = 30;

std::string Bar(double part, int width) {
  const int done = static_cast<int>(std::lround(part * width));
  std::string bar(static_cast<size_t>(width), ' ');
  std::fill_n(bar.begin(), done, '=');
  if (done < width) bar[static_cast<size_t>(done)] = '>';
  return "[" + bar + "]";
}

// "loss 0.1234  accuracy 98.76 %"
std::string QualityText(double loss, const std::optional<double>& accuracy) {
  char text[64];
  const int length = std::snprintf(text, sizeof(text), "loss %.4f", loss);
  if (accuracy) {
    std::snprintf(text + length, sizeof(text) - static_cast<size_t>(length), "  accuracy %.2f %%",
                  100 * *accuracy);
  }
  return text;
}

std::string TestText(const Evaluation& test) {
  if (test.scored) return "  test accuracy " + AccuracyText(test);
  return "  test " + QualityText(test.loss(), std::nullopt);
}

std::string Figures(const StepProgress& p) {
  return absl::StrCat(QualityText(p.loss, p.accuracy), "  ",
                      WithCommas(std::llround(p.images_per_second)), " images/s  ETA ",
                      DurationText(p.eta_seconds));
}

}  // namespace

ProgressDisplay::ProgressDisplay() : terminal_(isatty(STDOUT_FILENO) != 0) {}

ProgressDisplay::~ProgressDisplay() { Clear(); }

void ProgressDisplay::Clear() {
  if (!bar_shown_) return;
  std::fputs("\r\x1b[K", stdout);  // back to the line's begin, and erase it
  std::fflush(stdout);
  bar_shown_ = false;
}

void ProgressDisplay::OnStep(const StepProgress& p) {
  const auto now = Clock::now();
  if (terminal_ ? now - last_ < kRedraw : now - last_ < kPlainLine) return;
  last_ = now;
  const double part = static_cast<double>(p.batch) / static_cast<double>(p.batches);
  const std::string epoch = absl::StrCat("epoch ", p.epoch + 1, "/", p.epochs);
  const std::string figures = Figures(p);
  if (!terminal_) {
    Print("%s  batch %lld of %lld  %s\n", epoch.c_str(), static_cast<long long>(p.batch),
          static_cast<long long>(p.batches), figures.c_str());
  } else {
    // The bar gets what the figures leave of the line.
    const int rest = TerminalColumns() - static_cast<int>(epoch.size() + figures.size()) - 7;
    const std::string bar = rest < 5 ? "" : Bar(part, std::min(rest, kWidestBar)) + "  ";
    Print("\r\x1b[K%s  %s%s", epoch.c_str(), bar.c_str(), figures.c_str());
    bar_shown_ = true;
  }
  std::fflush(stdout);
}

void ProgressDisplay::OnEpoch(const EpochSummary& s) {
  Clear();
  Print("epoch %lld/%lld  %s%s  %s images/s  %s\n", static_cast<long long>(s.epoch + 1),
        static_cast<long long>(s.epochs), QualityText(s.loss, s.accuracy).c_str(),
        s.test ? TestText(*s.test).c_str() : "",
        WithCommas(std::llround(s.images_per_second)).c_str(), DurationText(s.seconds).c_str());
  std::fflush(stdout);
  last_ = Clock::now();
}

}  // namespace weft
