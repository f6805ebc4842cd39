#include "tools/hint.h"

#include <cstdlib>

#include "fs/catalog/store.h"

namespace veneer::tools {
namespace {

constexpr std::string_view kCommand = "run: veneer ";

std::string StoreWithoutOption() {
  const char* const named = std::getenv("VENEER_STORE");  // NOLINT: nothing sets it
  return named == nullptr || *named == '\0' ? catalog::kDefaultStore : named;
}

// `word` as a shell reads it back.
std::string ShellWord(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:,@%=";
  if (word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::string NameStore(std::string_view message, const std::string& store) {
  std::string named(message);
  if (store.empty() || store == StoreWithoutOption()) return named;
  const std::string option = "--store " + ShellWord(store) + " ";
  for (size_t at = named.find(kCommand); at != std::string::npos; at = named.find(kCommand, at)) {
    at += kCommand.size();
    named.insert(at, option);
  }
  return named;
}

}  // namespace veneer::tools
