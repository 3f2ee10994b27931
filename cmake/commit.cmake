# Writes the commit of SOURCE and its date into OUT, as C strings: `"1a2b3c4", "2026-11-30"`. An archive
# that `git archive` has made knows both (.gitattributes). Elsewhere outside of git: `"", "…"` with the date
# of today, or of SOURCE_DATE_EPOCH.
set(commit "$Format:%h$")
set(date "$Format:%cs$")
if(commit MATCHES "Format")
  unset(commit)
  unset(date)
  find_package(Git QUIET)
  if(GIT_FOUND)
    execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty --exclude=*
      WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    execute_process(COMMAND ${GIT_EXECUTABLE} log -1 --format=%cs
      WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
if(NOT date)
  string(TIMESTAMP date %Y-%m-%d UTC)
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "\"${commit}\", \"${date}\"\n" @ONLY)
