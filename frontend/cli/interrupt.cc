#include "frontend/cli/interrupt.h"

#include <csignal>

namespace weft {
namespace {

volatile std::sig_atomic_t interrupting_signal = 0;  // 0: none yet

void Install(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  // After the first signal the default action is back; system calls go on.
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  interrupting_signal = 0;
  Install([](int signal) { interrupting_signal = signal; });
}

InterruptGuard::~InterruptGuard() { Install(SIG_DFL); }

bool InterruptGuard::interrupted() const { return interrupting_signal != 0; }

int InterruptExitCode() {
  return 128 + (interrupting_signal == 0 ? SIGINT : static_cast<int>(interrupting_signal));
}

}  // namespace weft
