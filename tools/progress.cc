#include "tools/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "tools/text.h"

namespace veneer::tools {
namespace {

constexpr std::chrono::milliseconds kDrawInterval{100};
constexpr size_t kBarWidth = 30;
constexpr double kMeasurable = 0.2;  // seconds before which a rate says nothing

size_t TerminalWidth() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string DurationText(double seconds) {
  const auto whole = static_cast<uint64_t>(std::ceil(std::min(seconds, 359999.0)));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

// Carriage return, the line, and the rest of the old line erased.
void DrawOver(const std::string& line) {
  const std::string text = "\r" + line + "\x1b[K";
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

std::string ProgressLine(const Stage& stage, size_t width) {
  std::string line = fmt::format("{:<14}", stage.name);
  const double done = static_cast<double>(stage.done);
  if (stage.total != 0) {
    const double share = std::min(1.0, done / static_cast<double>(stage.total));
    const auto filled = static_cast<size_t>(share * kBarWidth);
    line += fmt::format(" [{:<{}}] {:3.0f} %", std::string(filled, '='), kBarWidth, std::floor(share * 100));
  } else if (stage.done != 0) {
    line += fmt::format(" {}", SizeText(stage.done));
  }
  if (stage.done != 0 && stage.seconds >= kMeasurable) {
    const double rate = done / stage.seconds;
    line += fmt::format("  {}/s", SizeText(static_cast<uint64_t>(rate)));
    if (stage.total > stage.done) {
      line += fmt::format("  {} left", DurationText(static_cast<double>(stage.total - stage.done) / rate));
    }
  }
  line.resize(std::min(line.size(), width));
  return line;
}

Progress::Progress(const Globals& globals) {
  if (globals.json || globals.quiet || ::isatty(STDERR_FILENO) == 0) return;
  thread_ = std::thread([this] { Draw(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_one();
  thread_.join();
  if (!stage_.name.empty()) DrawOver("");
}

void Progress::Report(const char* stage, uint64_t done, uint64_t total) {
  if (!thread_.joinable()) return;
  const std::lock_guard lock(mutex_);
  const bool begins = stage_.name != stage;
  if (begins) {
    stage_ = Stage{.name = stage};
    stage_start_ = std::chrono::steady_clock::now();
  }
  stage_.done = std::max(stage_.done, done);  // reports of several threads may overtake each other
  stage_.total = total;
  if (begins) DrawStage();
}

void Progress::DrawStage() {
  stage_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - stage_start_).count();
  DrawOver(ProgressLine(stage_, TerminalWidth() - 1));
}

void Progress::Draw() {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, kDrawInterval, [this] { return stop_; })) {
    if (!stage_.name.empty()) DrawStage();
  }
}

}  // namespace veneer::tools
