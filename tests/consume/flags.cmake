# expect_flags(target): it brings -march=native, by gloss::native, only if it is named for that.
function(expect_flags target)
  get_target_property(options ${target} INTERFACE_COMPILE_OPTIONS)
  get_target_property(libraries ${target} INTERFACE_LINK_LIBRARIES)
  string(REGEX MATCH "march|gloss(::|_)native" found "${options};${libraries}")
  if(found AND NOT target MATCHES "native" OR NOT found AND target MATCHES "native")
    message(FATAL_ERROR "${target} has the options ${options} and the libraries ${libraries}")
  endif()
endfunction()
