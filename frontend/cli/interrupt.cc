#include "frontend/cli/interrupt.h"

#include <csignal>

namespace weft {
namespace {

volatile std::sig_atomic_t interrupted_flag = 0;

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
  interrupted_flag = 0;
  Install([](int) { interrupted_flag = 1; });
}

InterruptGuard::~InterruptGuard() { Install(SIG_DFL); }

bool InterruptGuard::interrupted() const { return interrupted_flag != 0; }

}  // namespace weft
