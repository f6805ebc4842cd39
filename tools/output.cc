#include "tools/output.h"

#include <cerrno>
#include <cstdio>

#include "tools/exit_status.h"
#include "tools/hint.h"
#include "tools/no_memory.h"
#include "tools/text.h"

namespace veneer::tools {
namespace {

constexpr int kJsonSchema = 1;

int Complain(std::string_view verb, const Error& error) {
  const std::string prefix = verb.empty() ? "veneer" : fmt::format("veneer: {}", verb);
  const std::string line = fmt::format("{}: {}\n", prefix, Printable(error.message()));
  std::fwrite(line.data(), 1, line.size(), stderr);
  ErrorIsTold();
  return ExitStatusOf(error.code());
}

}  // namespace

void Output::Print(std::string_view line) const {
  const std::string text = Printable(NameStore(line, store_)) + '\n';
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void Output::PrintJson(const Status& status) {
  Json object = {{"schema", kJsonSchema}};
  object.update(json_);
  if (!status) {
    object["error"] = {{"code", CodeWord(status.error().code())},
                       {"message", ToUtf8(status.error().message())}};
    if (!layer_.empty()) object["error"]["layer"] = ToUtf8(layer_);
  }
  const std::string text = object.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int Output::Finish(std::string_view verb, const Status& outcome) {
  const Status status = outcome.map_error(
      [&](const Error& error) { return Error(error.code(), NameStore(error.message(), store_)); });
  if (json_wanted_) PrintJson(status);
  const int flush_error = std::fflush(stdout) == 0 ? 0 : errno;
  if (!status) return Complain(verb, status.error());
  if (flush_error != 0) return Complain(verb, FailErrno(flush_error, "standard output").value());
  if (std::ferror(stdout) != 0)
    return Complain(verb, Error(ErrorCode::kIo, "standard output: cannot be written"));
  return kDone;
}

}  // namespace veneer::tools
