#include "frontend/inspect/graph/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/bench/timing.h"

extern char** environ;

namespace weft {
namespace {

constexpr size_t kMostComplaintBytes = 4096;
constexpr int kEndPollMicroseconds = 500;

std::string SystemError(const char* what, int error) {
  return absl::StrCat(what, ": ", std::strerror(error));
}

// A file descriptor that is closed with it.
class OwnedDescriptor {
 public:
  OwnedDescriptor() = default;
  OwnedDescriptor(const OwnedDescriptor&) = delete;
  OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
  ~OwnedDescriptor() { Close(); }
  void Own(int descriptor) {
    Close();
    descriptor_ = descriptor;
  }
  void Close() {
    if (descriptor_ >= 0) close(descriptor_);
    descriptor_ = -1;
  }
  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

// One run of a program. Its stdin is a socket: writing to one whose reader has gone is an error,
// where writing to a pipe would be a signal.
class ProgramRun {
 public:
  ProgramRun(const std::vector<std::string>& arguments, std::string_view input,
             const ProgramLimits& limits)
      : arguments_(arguments), input_(input), limits_(limits) {}
  ~ProgramRun() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  absl::StatusOr<std::string> Finish() {
    WEFT_RETURN_IF_ERROR(Start());
    WEFT_RETURN_IF_ERROR(Exchange());
    WEFT_ASSIGN_OR_RETURN(const int status, AwaitEnd());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::move(output_);
    const std::string how = WIFEXITED(status) ? absl::StrCat("exit code ", WEXITSTATUS(status))
                                              : absl::StrCat("signal ", WTERMSIG(status));
    const std::string line = complaint_.substr(0, complaint_.find('\n'));
    return absl::InternalError(
        absl::StrCat(arguments_[0], " failed (", how, ")", line.empty() ? "" : ": ", line));
  }

 private:
  absl::Status Start() {
    int in[2], out[2], complaints[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0) {
      return absl::ResourceExhaustedError(SystemError("socketpair", errno));
    }
    OwnedDescriptor child_in, child_out, child_complaints;
    in_.Own(in[0]);
    child_in.Own(in[1]);
    if (pipe2(out, O_CLOEXEC) != 0) return absl::ResourceExhaustedError(SystemError("pipe", errno));
    out_.Own(out[0]);
    child_out.Own(out[1]);
    if (pipe2(complaints, O_CLOEXEC) != 0) {
      return absl::ResourceExhaustedError(SystemError("pipe", errno));
    }
    complaints_.Own(complaints[0]);
    child_complaints.Own(complaints[1]);
    return Spawn(child_in.get(), child_out.get(), child_complaints.get());
  }

  absl::Status Spawn(int in, int out, int complaints) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments_) {
      argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
    const int error = posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error == 0) return absl::OkStatus();
    pid_ = -1;
    if (error == ENOENT) {
      return absl::NotFoundError(absl::StrCat(arguments_[0], " is not installed"));
    }
    return absl::InternalError(SystemError(arguments_[0].c_str(), error));
  }

  // Writes the input and reads both outputs until they end.
  absl::Status Exchange() {
    if (input_.empty()) in_.Close();
    while (out_.is_open() || complaints_.is_open()) {
      std::array<pollfd, 3> files = {pollfd{in_.get(), POLLOUT, 0}, pollfd{out_.get(), POLLIN, 0},
                                     pollfd{complaints_.get(), POLLIN, 0}};
      const double left = limits_.seconds - watch_.seconds();
      if (left <= 0) return TooLong();
      const int ready =
          poll(files.data(), files.size(), static_cast<int>(std::min(left, 1e6) * 1e3) + 1);
      if (ready < 0 && errno != EINTR) return absl::InternalError(SystemError("poll", errno));
      if (ready <= 0) continue;
      if (files[0].revents != 0) Send();
      if (files[1].revents != 0) Receive(out_, output_, limits_.output_bytes + 1);
      if (files[2].revents != 0) Receive(complaints_, complaint_, kMostComplaintBytes);
      if (output_.size() > limits_.output_bytes) {
        return absl::ResourceExhaustedError(absl::StrCat(
            arguments_[0], " wrote more than the limit of ", limits_.output_bytes, " bytes"));
      }
    }
    return absl::OkStatus();
  }

  void Send() {
    const ssize_t sent = send(in_.get(), input_.data(), input_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
    // One that stops reading before the end says by its exit code whether that is as it should be.
    input_.remove_prefix(sent < 0 ? input_.size() : static_cast<size_t>(sent));
    if (input_.empty()) in_.Close();
  }

  // Takes what has come; what is beyond `most` bytes is dropped.
  void Receive(OwnedDescriptor& from, std::string& to, size_t most) {
    std::array<char, 1 << 16> buffer;
    const ssize_t got = read(from.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) return from.Close();
    to.append(buffer.data(), std::min(static_cast<size_t>(got), most - std::min(most, to.size())));
  }

  absl::StatusOr<int> AwaitEnd() {
    int status = 0;
    while (true) {
      const pid_t ended = waitpid(pid_, &status, WNOHANG);
      if (ended < 0 && errno != EINTR) {
        const int error = errno;
        pid_ = -1;
        return absl::InternalError(SystemError("waitpid", error));
      }
      if (ended == pid_) break;
      if (watch_.seconds() > limits_.seconds) return TooLong();
      usleep(kEndPollMicroseconds);
    }
    pid_ = -1;
    return status;
  }

  absl::Status TooLong() const {
    return absl::DeadlineExceededError(
        absl::StrCat(arguments_[0], " took longer than the limit of ", limits_.seconds, " s"));
  }

  const std::vector<std::string>& arguments_;
  std::string_view input_;  // what has not been written yet
  const ProgramLimits& limits_;
  Stopwatch watch_;
  pid_t pid_ = -1;
  OwnedDescriptor in_, out_, complaints_;
  std::string output_, complaint_;
};

}  // namespace

absl::StatusOr<std::string> RunProgram(const std::vector<std::string>& arguments,
                                       std::string_view input, const ProgramLimits& limits) {
  if (arguments.empty()) return absl::InvalidArgumentError("expected a program to run");
  return ProgramRun(arguments, input, limits).Finish();
}

}  // namespace weft
