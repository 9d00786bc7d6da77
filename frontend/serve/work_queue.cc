#include "frontend/serve/work_queue.h"

#include <chrono>
#include <exception>
#include <utility>

namespace weft {

WorkQueue::WorkQueue(size_t most, std::function<HttpResponse(const HttpRequest&)> answer,
                     std::function<void()> wake)
    : most_(most),
      answer_(std::move(answer)),
      wake_(std::move(wake)),
      thread_([this] { Work(); }) {}

WorkQueue::~WorkQueue() {
  Stop(0);
  thread_.join();
}

bool WorkQueue::is_full() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() >= most_;
}

bool WorkQueue::TryPush(uint64_t id, HttpRequest& request) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || waiting_.size() >= most_) return false;
  waiting_.push_back({id, std::move(request)});
  changed_.notify_all();
  return true;
}

void WorkQueue::Drop(uint64_t id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [&](const Job& job) { return job.id == id; });
}

void WorkQueue::Pause(bool paused) {
  const std::lock_guard lock(mutex_);
  if (paused_ == paused) return;
  paused_ = paused;
  changed_.notify_all();
}

std::vector<WorkQueue::Done> WorkQueue::TakeDone() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

bool WorkQueue::Stop(double seconds) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  waiting_.clear();
  changed_.notify_all();
  return changed_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return ended_; });
}

// What the libraries below throw (out of memory) ends the answer, not the server.
HttpResponse WorkQueue::Answer(const HttpRequest& request) const {
  try {
    return answer_(request);
  } catch (const std::exception& e) {
    return ErrorResponse(500, e.what());
  }
}

void WorkQueue::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || (!paused_ && !waiting_.empty()); });
    if (stopping_) break;
    const Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    HttpResponse response = Answer(job.request);
    lock.lock();
    done_.push_back({job.id, std::move(response)});
    wake_();
  }
  ended_ = true;
  changed_.notify_all();
}

}  // namespace weft
