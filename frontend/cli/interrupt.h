#ifndef WEFT_FRONTEND_CLI_INTERRUPT_H_
#define WEFT_FRONTEND_CLI_INTERRUPT_H_

namespace weft {

// While it lives, the first Ctrl-C (SIGINT, or SIGTERM) only sets a flag; a second one ends the
// program as usual. One at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool interrupted() const;
};

// The exit code of a program that such a signal has ended, as shells say it: 130 after SIGINT, 143
// after SIGTERM.
int InterruptExitCode();

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_INTERRUPT_H_
