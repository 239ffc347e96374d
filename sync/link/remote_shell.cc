#include "sync/link/remote_shell.h"

#include "fmt/format.h"
#include "os/shell_quote.h"

namespace rotv::link {

// No two shells agree on what may stand in single quotes: fish takes \' and \\ for escapes, csh ends them at a newline
// and takes ! for a command of its history. So these characters travel as octal numbers, which printf turns back. There
// is no `exec`, which a restricted shell refuses.
std::string LineForAnyShell(const std::string& script) {
  std::string coded;
  for (const char c : script) {
    const bool is_plain = c >= ' ' && c < 0x7f && c != '\'' && c != '\\' && c != '!';
    if (!is_plain) {
      coded += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    } else {
      coded += c;
      if (c == '%') coded += c;
    }
  }
  return "sh -c 'x=$1; shift; eval \"$(printf \"$x\")\"' sh '" + coded + "'";
}

std::string PrintLine(std::string_view line) {
  const size_t middle = line.size() / 2;
  return fmt::format("printf '%s%s\\n' {} {}; ", line.substr(0, middle), line.substr(middle, line.size() - middle - 1));
}

// If the link drops while the container writes much, `podman exec` would die of SIGPIPE before it passes on the end of
// its input, and the program in the container would never learn of it and stay forever. So a `cat` reads the output of
// `podman exec` as long as that lives.
std::string InContainer(const SourceConfig& source, const std::string& shell, const std::string& script) {
  const std::string exec = fmt::format("{} exec -i {} {} -c {}", os::ShellQuote(source.runtime),
                                       os::ShellQuote(source.container), shell, os::ShellQuote(script));
  return PrintLine(kReached) +
         fmt::format(
             "exec 3>&1; s=$({{ {{ {} 3>&- 5>&-; echo $? >&5; }} | {{ cat >&3; exec cat >/dev/null; }} 5>&-; }} "
             "5>&1); exit ${{s:-1}}",
             exec);
}

}  // namespace rotv::link
