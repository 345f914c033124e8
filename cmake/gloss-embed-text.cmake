# gloss_embed_text(<target> <name> <file>): puts a text file into a program, which reads it with
#
#   namespace embedded { std::string_view <name>(); }
#
# The file becomes a C++ source of raw string literals, short enough for every compiler and quick to compile, and is
# remade when it changes. It must not hold zero bytes.

if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(gloss_embed_text_script "${CMAKE_CURRENT_LIST_FILE}" CACHE INTERNAL "")

  function(gloss_embed_text target name file)
    get_filename_component(file "${file}" ABSOLUTE)
    set(source "${CMAKE_CURRENT_BINARY_DIR}/embedded_${name}.cpp")
    add_custom_command(OUTPUT "${source}"
      COMMAND "${CMAKE_COMMAND}" "-DFILE=${file}" "-DSOURCE=${source}" "-DNAME=${name}" -P "${gloss_embed_text_script}"
      DEPENDS "${file}" "${gloss_embed_text_script}" VERBATIM COMMENT "Embedding ${name}")
    target_sources(${target} PRIVATE "${source}")
    if(MSVC)
      set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS /utf-8)
    endif()
  endfunction()
  return()
endif()

# As a script: writes SOURCE from FILE. Literals are cut at line ends, so that no character is torn.
cmake_minimum_required(VERSION 3.22)
file(READ "${FILE}" rest)
set(most 12000)
set(parts "")
string(LENGTH "${rest}" left)
while(left GREATER 0)
  set(length ${most})
  if(left GREATER most)
    string(SUBSTRING "${rest}" 0 ${most} part)
    string(FIND "${part}" "\n" last REVERSE)
    if(last LESS 0)
      message(FATAL_ERROR "gloss_embed_text: ${FILE}: a line of more than ${most} bytes")
    endif()
    math(EXPR length "${last} + 1")
  else()
    set(length ${left})
  endif()
  string(SUBSTRING "${rest}" 0 ${length} part)
  string(SUBSTRING "${rest}" ${length} -1 rest)
  string(LENGTH "${rest}" left)
  if(part MATCHES "\\)gloss\"")
    message(FATAL_ERROR "gloss_embed_text: ${FILE}: the text holds )gloss\"")
  endif()
  string(APPEND parts "    R\"gloss(${part})gloss\",\n")
endwhile()
file(WRITE "${SOURCE}" "// Made from a text file; see gloss_embed_text.
#include <string>
#include <string_view>

namespace embedded {

std::string_view ${NAME}();

namespace {
const char* const parts[] = {
    \"\",
${parts}};
}

// Not a lambda: the compiler would try to run it, for seconds.
static std::string join() {
  std::string text;
  for (const char* part : parts) text += part;
  return text;
}

std::string_view ${NAME}() {
  static const std::string text = join();
  return text;
}

}  // namespace embedded
")
