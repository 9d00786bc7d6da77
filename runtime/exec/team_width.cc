#include "runtime/exec/team_width.h"

#include <algorithm>
#include <cmath>

namespace weft {

void TeamWidth::Begin(bool trial, Clock::time_point now) {
  trial_ = trial;
  begin_ = now;
  measured_ = widest_ = 0;
  used_ = offered_ = 0;
}

int TeamWidth::Next(int parts, Clock::time_point now) {
  if (width_ > 0 && width_ < parts && now >= resume_) {
    width_ *= 2;
    regions_ = 0;  // The first ones wake threads that sleep and are not measured.
    Begin(/*trial=*/true, now);
  }
  const int threads = width_ > 0 ? std::min(width_, parts) : parts;
  measures_ = threads > 1 && ++regions_ % (trial_ ? kEveryOfTrial : kEvery) == 0;
  return threads;
}

void TeamWidth::Learn(int threads, Clock::time_point begin, Clock::time_point end,
                      std::chrono::nanoseconds cpu) {
  used_ += static_cast<double>(cpu.count());
  offered_ += static_cast<double>(std::chrono::nanoseconds(end - begin).count()) * threads;
  widest_ = std::max(widest_, threads);
  if (++measured_ < kEnough || end - begin_ < kLongEnough) return;
  if (used_ < kLeastUse * offered_) {
    width_ = std::max(1, static_cast<int>(std::lround(widest_ * used_ / offered_)));
    resume_ = end + pause_;
    pause_ = std::min(pause_ * 2, kLongestPause);
  } else if (!trial_) {
    pause_ = std::max(pause_ / 2, kShortestPause);
  }
  Begin(/*trial=*/false, end);
}

}  // namespace weft
