# What `cmake --install` puts where, and the Debian packages that `cpack` makes of it: `bide` with
# everything, and `bide-client` with the command line alone.
#
# Paths follow GNUInstallDirs, below the prefix that is given when it is installed; the configuration of
# the prefix /usr is in /etc. Man pages, completions and bide.toml are made by the program that is
# installed, so that they are always its own.
include(GNUInstallDirs)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # Neither tests nor benchmarks are installed.
set(package ${CMAKE_SOURCE_DIR}/cmake/package)

# bide_install(COMPONENT TARGET [EXCLUDE_FROM_ALL]): the program, as `bide`, and what every program has.
function(bide_install component target)
  set(made ${CMAKE_BINARY_DIR}/installed/${component})
  set(part COMPONENT ${component} ${ARGN})
  install(TARGETS ${target} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} ${part})
  install(CODE "
    set(sysconfdir \${CMAKE_INSTALL_PREFIX}/etc)
    if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
      set(sysconfdir /etc)
    endif()
    execute_process(
      COMMAND ${CMAKE_COMMAND} -D BIDE=$<TARGET_FILE:${target}> -D OUT=${made} -D VERSION=${PROJECT_VERSION}
              -D PACKAGE=${component} -D BINDIR=\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}
              -D SYSCONFDIR=\${sysconfdir} -P ${package}/make.cmake
      COMMAND_ERROR_IS_FATAL ANY)" ${part})
  install(DIRECTORY ${made}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR} ${part})
  install(FILES ${made}/bide.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME bide ${part})
  install(FILES ${made}/bide.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _bide ${part})
  install(FILES ${made}/bide.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d ${part})
  install(FILES ${made}/copyright ${made}/changelog.gz ${made}/changelog.Debian.gz
          DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${component} ${part})
endfunction()

bide_install(bide bide)
set(made ${CMAKE_BINARY_DIR}/installed/bide)
install(CODE "file(INSTALL ${made}/bide.toml DESTINATION \${sysconfdir}/bide)" COMPONENT bide)
install(FILES ${made}/bide.service ${made}/bide.socket DESTINATION lib/systemd/system COMPONENT bide)
install(FILES ${package}/bide.conf DESTINATION lib/sysusers.d COMPONENT bide)
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/bide COMPONENT bide)
install(DIRECTORY examples docs DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/bide USE_SOURCE_PERMISSIONS COMPONENT bide)
bide_install(bide-client bide-client EXCLUDE_FROM_ALL)  # Its program has the same name.

set(CPACK_GENERATOR DEB)
set(CPACK_SOURCE_GENERATOR "")
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL bide bide-client)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGE_CONTACT "the bide authors <bide@bide.invalid>")
set(what_it_is "Workers report the events of jobs, with curl or into a NATS JetStream
key-value bucket. bide tells shell scripts, CI pipelines, polling clients
and people when a job has changed or finished: at once, conditionally, held
until there is news, as server-sent events, over a WebSocket, or on a page.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_BIDE_PACKAGE_NAME bide)
set(CPACK_DEBIAN_BIDE_PACKAGE_SECTION net)
set(CPACK_DEBIAN_BIDE_DESCRIPTION "waiting for jobs over HTTP: server and command line\n${what_it_is}")
set(CPACK_DEBIAN_BIDE_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers")
set(CPACK_DEBIAN_BIDE_PACKAGE_RECOMMENDS nats-server)
set(CPACK_DEBIAN_BIDE_PACKAGE_CONFLICTS bide-client)
set(CPACK_DEBIAN_BIDE_PACKAGE_REPLACES bide-client)
set(CPACK_DEBIAN_BIDE_PACKAGE_PROVIDES "bide-client (= ${PROJECT_VERSION}-1)")
set(CPACK_DEBIAN_BIDE_PACKAGE_CONTROL_EXTRA ${package}/postinst ${package}/prerm ${package}/postrm ${package}/conffiles)
set(CPACK_DEBIAN_BIDE-CLIENT_PACKAGE_NAME bide-client)
set(CPACK_DEBIAN_BIDE-CLIENT_PACKAGE_SECTION net)
set(CPACK_DEBIAN_BIDE-CLIENT_DESCRIPTION "waiting for jobs over HTTP: command line\n${what_it_is}
.
This package has the commands that report, show and wait for jobs over HTTP.")
set(CPACK_DEBIAN_BIDE-CLIENT_PACKAGE_CONFLICTS bide)
set(CPACK_DEBIAN_BIDE-CLIENT_PACKAGE_REPLACES bide)
include(CPack)
