#include "tests/support/listing.h"

#include <dirent.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace veneer::test {
namespace {

constexpr size_t kMostSeeks = 40;

// Goes back to some of the places of a listing, as telldir(3) gave them; each must have the name that it had.
void SeekBack(DIR* stream, const std::vector<std::pair<long, std::string>>& places, std::string& problem) {
  const size_t step = 1 + places.size() / kMostSeeks;
  for (size_t i = places.size(); i-- > 0;) {
    if (i % step != 0) continue;
    ::seekdir(stream, places[i].first);
    const dirent* entry = ::readdir(stream);
    if (entry == nullptr || places[i].second != entry->d_name)
      problem = "lost its place at " + places[i].second;
  }
}

}  // namespace

Listing NamesIn(const std::string& folder, std::string& problem) {
  Listing names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder.c_str()), ::closedir);
  if (!stream) {
    problem = std::strerror(errno);
    return names;
  }
  std::vector<std::pair<long, std::string>> places;
  errno = 0;
  for (;;) {
    const long place = ::telldir(stream.get());
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    places.emplace_back(place, name);
    if (name == "." || name == "..") continue;
    if (!names.emplace(name, Listed{entry->d_type, entry->d_ino}).second)
      problem = "lists " + name + " twice";
  }
  if (errno != 0) problem = std::strerror(errno);
  SeekBack(stream.get(), places, problem);
  return names;
}

void LeaveOutWhiteouts(const std::string& folder, Listing& names) {
  std::erase_if(names, [&](const auto& name) {
    struct stat st {};
    return ::lstat((folder + '/' + name.first).c_str(), &st) != 0 && errno == ENOENT;
  });
}

}  // namespace veneer::test
