#ifndef WEFT_FRONTEND_SERVE_WORK_QUEUE_H_
#define WEFT_FRONTEND_SERVE_WORK_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "frontend/serve/http.h"

namespace weft {

// Requests that wait for one thread which answers them in order. Other members than the
// constructor's functions may be called from any thread.
class WorkQueue {
 public:
  struct Done {
    uint64_t id = 0;
    HttpResponse response;
  };
  // `answer` runs on the queue's thread, and what it throws is answered with 500; `wake` is called
  // there when an answer can be taken. At most `most` requests wait.
  WorkQueue(size_t most, std::function<HttpResponse(const HttpRequest&)> answer,
            std::function<void()> wake);
  ~WorkQueue();  // waits for the request at work
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  bool is_full() const;
  // False where the queue is full or stopping; `request` is untouched then.
  bool TryPush(uint64_t id, HttpRequest& request);
  // Its answer is not wanted any more; no effect on the one at work.
  void Drop(uint64_t id);
  // While paused no further request is begun.
  void Pause(bool paused);
  std::vector<Done> TakeDone();

  // Drops what waits. Whether the request at work, if any, ends within so many seconds.
  bool Stop(double seconds);

 private:
  struct Job {
    uint64_t id = 0;
    HttpRequest request;
  };
  void Work();
  HttpResponse Answer(const HttpRequest& request) const;

  const size_t most_;
  const std::function<HttpResponse(const HttpRequest&)> answer_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;
  std::vector<Done> done_;
  bool paused_ = false, stopping_ = false, ended_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace weft

#endif  // WEFT_FRONTEND_SERVE_WORK_QUEUE_H_
