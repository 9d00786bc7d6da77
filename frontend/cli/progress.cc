#include "frontend/cli/progress.h"

#include <unistd.h>

#include <cstdio>

#include "frontend/cli/common.h"

namespace weft {
namespace {

constexpr std::chrono::milliseconds kRedraw(100);
constexpr std::chrono::seconds kPlainLine(10);

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
  const double loss = loss_.Add(p.step_loss);
  const auto now = Clock::now();
  if (terminal_ ? now - last_ < kRedraw : now - last_ < kPlainLine) return;
  last_ = now;
  if (terminal_) {
    // A terminal's last column would begin a new line.
    Print("\r\x1b[K%s", ProgressLine(p, loss, TerminalColumns() - 1).c_str());
    bar_shown_ = true;
  } else {
    Print("%s\n", ProgressRow(p, loss).c_str());
  }
  std::fflush(stdout);
}

void ProgressDisplay::OnEpoch(const EpochSummary& s) {
  Clear();
  Print("%s\n", EpochLine(s).c_str());
  std::fflush(stdout);
  last_ = Clock::now();
}

}  // namespace weft
