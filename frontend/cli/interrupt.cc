#include "frontend/cli/interrupt.h"

#include <csignal>

namespace weft {
namespace {

volatile std::sig_atomic_t interrupting_signal = 0;  // 0: none yet

void Install(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  interrupting_signal = 0;
  Install([](int signal) {
    interrupting_signal = signal;
    Install(SIG_DFL);  // for both: whichever comes second ends the program
  });
}

InterruptGuard::~InterruptGuard() { Install(SIG_DFL); }

bool InterruptGuard::interrupted() const { return interrupting_signal != 0; }

int InterruptExitCode() {
  return 128 + (interrupting_signal == 0 ? SIGINT : static_cast<int>(interrupting_signal));
}

}  // namespace weft
