// How far long work is: one line on a terminal, drawn over and over, and taken away at the end.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "fs/layer/progress.h"
#include "tools/command.h"

namespace veneer::tools {

// How far one stage is.
struct Stage {
  std::string name;
  uint64_t done = 0;   // bytes
  uint64_t total = 0;  // bytes; 0: not known
  double seconds = 0;  // since the stage began
};

// The line for `stage`, of at most `width` characters: name, bar and share where the total is known, rate,
// time left.
std::string ProgressLine(const Stage& stage, size_t width);

// Draws on standard error if that is a terminal and neither --json nor --quiet is given; otherwise does
// nothing. A stage is drawn when it begins, and then by a thread of its own, ten times a second at most, so
// that reporting costs next to nothing and a stage that has nothing to report still shows.
class Progress {
 public:
  explicit Progress(const Globals& globals);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // A stage is at `done` of `total` bytes (0: not known). Another `stage` than before begins a new one. Safe
  // from several threads.
  void Report(const char* stage, uint64_t done, uint64_t total);

  // Report as the libraries take it. This must outlive it.
  layer::Progress Reporter() {
    return [this](const char* stage, uint64_t done, uint64_t total) { Report(stage, done, total); };
  }

 private:
  void Draw();
  void DrawStage();  // with mutex_ held

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  Stage stage_;
  std::chrono::steady_clock::time_point stage_start_;
  std::thread thread_;  // not running where nothing is drawn
};

}  // namespace veneer::tools
