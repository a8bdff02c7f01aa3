// Threads that work on the same step, and wait for one another many thousand times a second.

#ifndef PDBRIDGE_TEAM_H
#define PDBRIDGE_TEAM_H

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace pdbridge {

class Team {
  public:
    explicit Team(int size);  // the caller is one of them; throws std::system_error
    ~Team();
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    int size() const { return size_; }

    // Calls work(0) here and work(1)... in the other threads; returns when all have returned.
    void run(const std::function<void(int)>& work);

    // Called by all of them in `work`: nobody goes on before everybody has come here.
    void meet();

  private:
    void serve(int member);
    void end();

    const int size_, glances_;
    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable asked_, answered_;
    const std::function<void(int)>* work_ = nullptr;
    long asked_times_ = 0;
    int working_ = 0;
    bool ending_ = false;
    // Apart from one another, or whoever waits would slow down whoever comes.
    char apart_[64];
    std::atomic<int> arrived_{0};
    char apart_too_[64];
    std::atomic<unsigned> meetings_{0};
};

}  // namespace pdbridge
#endif
